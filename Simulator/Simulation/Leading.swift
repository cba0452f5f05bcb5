import ClusterModel
import Failover

/// What a leader keeps in memory while it leads.
struct Leading {
    struct Peer {
        var link: Int?
        var isMatched = false
        /// When it last answered a beat, or was dialed.
        var heardMs = 0
        /// How many entries went to it.
        var sent = 0
    }

    struct Read {
        let arrivedMs: Int
        /// What clients knew of when it came.
        let floor: Int
    }

    let epoch: Epoch
    var takeover: Takeover
    var quorum: QuorumTracker
    var reconfiguration: Reconfiguration
    /// Where there is a witness.
    var inSync: InSyncSet?
    /// By the nodes' places.
    var peers: [Peer]
    /// How many entries were in the log when it was elected, the marker included.
    let markerCount: Int
    /// How many the watermark covers; 0 before it moved.
    var watermarkCount = 0
    /// Up to where its database applies the journal.
    var applyLimit = 0
    /// How many entries clients were answered for.
    var answered: Int
    var reads: [Read] = []
    /// To whom a planned switch is under way: no new writes.
    var successor: NodeID?

    /// Whose copies count, and how many of them it takes.
    func quorum(_ configuration: Configuration) -> (voters: [NodeID], copies: Int) {
        if let inSync { (inSync.counted, inSync.counted.count) } else { (configuration.holders, configuration.holders.count / 2 + 1) }
    }
}
