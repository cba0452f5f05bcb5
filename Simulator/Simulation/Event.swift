import ClusterModel
import Failover

/// What can happen. Nodes are named by their place in the cluster's list.
enum Event {
    case datagram(ElectionMessage, from: Int, to: Int)
    case stream(StreamMessage, link: Int, toLeader: Bool)
    case linkLost(link: Int, atLeader: Bool)
    /// For a node, in one of its lives: a crash ends one, and with it all that was under way.
    case own(OwnEvent, node: Int, life: Int)
    case restarted(node: Int, life: Int)
    case resumed(node: Int, pause: Int)
    case client
    case fault
    case healed(partition: Int)
    case crash(node: Int, life: Int)
}

/// What a node's own timers, disk and database report.
enum OwnEvent {
    case due
    case beat
    case persisted
    case synced(count: Int, cuts: Int)
    case applied(count: Int)
    case opened(Epoch, isOpen: Bool)
    case handedOver(Epoch)
    /// A client's.
    case write(value: Int)
    case read
}

/// What goes over the link between a leader and a follower.
enum StreamMessage {
    // From the leader.
    case hello(Epoch)
    case resume(after: Position?)
    case entries([Entry], watermark: Position)
    case beat(sentMs: Int, watermark: Position)
    case configuration(Configuration)
    case record(InSyncRecord)
    // From the follower.
    case newer(Epoch)
    case history(LogHistory)
    case ack(Position)
    case beatAnswer(sentMs: Int)
    case installed(ConfigurationStamp)
    case recorded(InSyncRecord)
}
