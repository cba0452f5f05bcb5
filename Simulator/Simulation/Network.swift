import ClusterModel
import Failover

/// A stream between a leader and a follower: in order, until it breaks; then what was under way is lost.
struct Link {
    let leader: Int
    let follower: Int
    var isOpen = true
    var lastUs = (toLeader: 0, toFollower: 0)
}

extension SimulatedCluster {
    func sendDatagram(_ message: ElectionMessage, from: Int, to: Int) {
        guard to < nodes.count, !chance(weather.datagramLossPercent) else { return }
        put(.datagram(message, from: from, to: to), inUs: random.number(in: weather.delayUs))
        if chance(weather.datagramTwicePercent) {
            put(.datagram(message, from: from, to: to), inUs: random.number(in: weather.delayUs) * random.number(in: 1..<20))
        }
    }

    /// Nil: nobody is there.
    func dial(from leader: Int, to follower: Int) -> Int? {
        guard nodes[follower].isUp, !isCut(leader, follower) else { return nil }
        links.append(Link(leader: leader, follower: follower))
        return links.count - 1
    }

    private func isCut(_ a: Int, _ b: Int) -> Bool { blocked[a * nodes.count + b] + blocked[b * nodes.count + a] > 0 }

    func send(_ message: StreamMessage, on link: Int, toLeader: Bool) {
        guard links[link].isOpen else { return }
        let before = toLeader ? links[link].lastUs.toLeader : links[link].lastUs.toFollower
        let arrivesUs = max(before, nowUs + random.number(in: weather.delayUs))
        if toLeader { links[link].lastUs.toLeader = arrivesUs } else { links[link].lastUs.toFollower = arrivesUs }
        queue.put(.stream(message, link: link, toLeader: toLeader), atUs: arrivesUs)
    }

    /// Each end learns of it after up to `noticeUs`.
    func breakLink(_ link: Int, noticeUs: Int) {
        guard links[link].isOpen else { return }
        links[link].isOpen = false
        for atLeader in [true, false] { put(.linkLost(link: link, atLeader: atLeader), inUs: random.number(in: 100..<100 + noticeUs)) }
    }

    func breakLinks(of node: Int, noticeUs: Int) {
        for link in links.indices where links[link].isOpen && (links[link].leader == node || links[link].follower == node) {
            breakLink(link, noticeUs: noticeUs)
        }
    }

    /// Nothing passes from the ones to the others any more; `both`: nor back.
    func part(_ ones: [Int], from others: [Int], both: Bool) {
        var cells: [Int] = []
        for a in ones {
            for b in others {
                cells.append(a * nodes.count + b)
                if both { cells.append(b * nodes.count + a) }
            }
        }
        for cell in cells { blocked[cell] += 1 }
        partitions.append(cells)
        put(.healed(partition: partitions.count - 1), inUs: random.number(in: 20_000..<1_500_000))
        for link in links.indices where links[link].isOpen && isCut(links[link].leader, links[link].follower) {
            breakLink(link, noticeUs: 2 * Self.electionTimeoutMs * 1000)
        }
    }

    func heal(_ partition: Int) {
        for cell in partitions[partition] { blocked[cell] -= 1 }
        partitions[partition] = []
    }
}
