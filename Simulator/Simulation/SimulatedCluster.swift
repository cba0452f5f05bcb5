import ClusterModel
import Failover

/// A whole cluster in one process: nodes with disks, databases and clocks, a network between them, clients, and what goes wrong.
///
/// All that happens comes out of one queue, all chance out of one seed: the same options give the same run.
package final class SimulatedCluster {
    static let electionTimeoutMs = 200
    static let beatMs = 40

    let options: SimulationOptions
    var random: SplitMix64
    var weather: Weather
    var queue = EventQueue<Event>()
    private(set) var nowUs = 0
    var nodes: [SimulatedNode] = []
    var links: [Link] = []
    /// Between which nodes nothing passes, by `from * count + to`: how many partitions say so.
    var blocked: [Int]
    var partitions: [[Int]] = []
    var checker = Checker()
    var outcome = SimulationOutcome()
    var isCalm = false
    var nextValue = 0
    /// Where the first write stands that was answered in calm; 0: none yet.
    var calmAcknowledged = 0
    private let story: ((String) -> Void)?

    package init(_ options: SimulationOptions, story: ((String) -> Void)? = nil) {
        self.options = options
        self.story = story
        random = SplitMix64(seed: options.seed)
        weather = Weather(&random)
        let voters = [3, 3, 5, 5, 3, 4][random.number(in: 0..<6)]
        let drawn = random.number(in: 0..<5)
        let witness = voters == 4 || drawn == 0 ? voters - 1 : nil
        let count = voters + 2
        blocked = Array(repeating: 0, count: count * count)
        let members = (0..<voters).map { SimulatedCluster.member($0, $0 == witness ? .witness : .voter) }
        let configuration = Configuration(stamp: ConfigurationStamp(epoch: .first, version: 1), members: members)
        for place in 0..<count {
            nodes.append(SimulatedNode(self, place, place < voters ? configuration : .unknown, seed: random.next()))
        }
        for node in nodes { node.start() }
        put(.client, inUs: random.number(in: weather.clientGapUs))
        put(.fault, inUs: random.number(in: weather.faultGapUs))
    }

    static func member(_ place: Int, _ kind: Member.Kind) -> Member {
        Member(id: nodeID(place), uuid: "u\(place)", address: NodeAddress(host: "n\(place)", port: 1), kind: kind)
    }

    static func nodeID(_ place: Int) -> NodeID { NodeID(rawValue: UInt32(place + 1)) ?? .unnamed }
    static func place(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    func put(_ event: Event, inUs: Int) { queue.put(event, atUs: nowUs + inUs) }
    func chance(_ percent: Int) -> Bool { random.number(in: 0..<100) < percent }
    func breaks(_ rule: BrokenRule) -> Bool { options.broken == rule }

    func tell(_ words: @autoclosure () -> String) {
        guard let story else { return }
        let micros = String(nowUs % 1000 + 1000).dropFirst()
        story("\(nowUs / 1000).\(micros) \(words())")
    }

    /// Faults for as long as the options say, then calm, until the cluster is at rest or its time is up.
    package func run() -> SimulationOutcome {
        while outcome.events < options.steps, checker.violation == nil, step() {}
        if checker.violation == nil { settle() }
        if checker.violation == nil { checker.compare(nodes.map(\.log)) }
        outcome.violation = checker.violation
        outcome.acknowledged = checker.acknowledged
        if let violation = checker.violation { tell("VIOLATED: \(violation)") }
        return outcome
    }

    private func settle() {
        isCalm = true
        calm()
        let deadlineUs = nowUs + 60 * Self.electionTimeoutMs * 1000
        while checker.violation == nil, nowUs < deadlineUs, !isAtRest, step() {}
        guard checker.violation == nil, !isAtRest else { return }
        let states = nodes.map { "\($0.id): \($0.words)" }.joined(separator: "; ")
        checker.report("no leader that takes writes within \(60 * Self.electionTimeoutMs) ms after the last fault; \(states)")
    }

    /// Somebody serves, has acknowledged a write since the faults ended, and all members have applied what it was.
    private var isAtRest: Bool {
        guard calmAcknowledged > 0, let leader = nodes.first(where: { $0.isServing && $0.isUp }) else { return false }
        return leader.configuration.holders.allSatisfy { nodes[Self.place($0)].applied >= calmAcknowledged }
    }

    private func step() -> Bool {
        guard let (timeUs, event) = queue.take() else { return false }
        nowUs = timeUs
        outcome.events += 1
        switch event {
        case .datagram(let message, let from, let to):
            if blocked[from * nodes.count + to] == 0 { nodes[to].take(event, "\(message) of \(nodes[from].id)") }
        case .stream(_, let link, let toLeader):
            if links[link].isOpen { nodes[toLeader ? links[link].leader : links[link].follower].take(event, "") }
        case .linkLost(let link, let atLeader): nodes[atLeader ? links[link].leader : links[link].follower].take(event, "link lost")
        case .own(_, let node, let life): if nodes[node].life == life { nodes[node].take(event, "") }
        case .restarted(let node, let life): if nodes[node].life == life { nodes[node].restarted() }
        case .resumed(let node, let pause): nodes[node].resumed(pause)
        case .crash(let node, let life): if nodes[node].life == life, !isCalm { nodes[node].crash() }
        case .client: clientCame()
        case .fault: faultCame()
        case .healed(let partition): heal(partition)
        }
        return true
    }
}
