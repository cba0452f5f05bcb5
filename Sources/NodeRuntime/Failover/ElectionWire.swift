import ClusterModel
import Failover

/// What nodes ask each other about leadership, as the fields of a request between peers.
enum ElectionAsk: Equatable {
    case vote(VoteRequest)
    /// The leader of this epoch asks the other to stand at once.
    case timeoutNow(Epoch)
    /// The sender leads this epoch.
    case leads(Epoch)
    /// A newer list of the members.
    case members(String)
    /// Where are you?
    case standing
    /// The leader has its witness keep who is in sync.
    case record(InSyncRecord)

    var fields: [String?] {
        switch self {
        case .vote(let request):
            [
                "vote", "\(request.kind)", "\(request.epoch)", "\(request.logEnd.epoch)", "\(request.logEnd.sequence)", "\(request.stamp.epoch)",
                "\(request.stamp.version)",
            ]
        case .timeoutNow(let epoch): ["timeout-now", "\(epoch)"]
        case .leads(let epoch): ["leads", "\(epoch)"]
        case .members(let text): ["members", text]
        case .standing: ["standing"]
        case .record(let record): ["record", record.text]
        }
    }

    /// Nil for what is asked about something else.
    init?(_ fields: [String?]) {
        let words = fields.map { $0 ?? "" }
        let numbers = words.map { UInt64($0) }
        switch words.first {
        case "vote" where words.count == 7:
            guard let kind = VoteRequest.Kind(word: words[1]), let epoch = Epoch(told: words[2]), let logEpoch = numbers[3],
                let sequence = numbers[4],
                let stampEpoch = numbers[5], let version = numbers[6]
            else { return nil }
            self = .vote(
                VoteRequest(
                    kind: kind, epoch: epoch, logEnd: LogEnd(epoch: Epoch(rawValue: logEpoch), sequence: sequence),
                    stamp: ConfigurationStamp(epoch: Epoch(rawValue: stampEpoch), version: version)))
        case "timeout-now" where words.count == 2:
            guard let epoch = Epoch(told: words[1]) else { return nil }
            self = .timeoutNow(epoch)
        case "leads" where words.count == 2:
            guard let epoch = Epoch(told: words[1]) else { return nil }
            self = .leads(epoch)
        case "members" where words.count == 2: self = .members(words[1])
        case "standing" where words.count == 1: self = .standing
        case "record" where words.count == 2:
            guard let record = InSyncRecord(text: words[1]) else { return nil }
            self = .record(record)
        default: return nil
        }
    }
}

extension Epoch {
    /// One that another node told; nil for what no master can have.
    init?(told text: String) {
        guard let number = UInt64(text), number <= WriterID.epochMax.rawValue else { return nil }
        self.init(rawValue: number)
    }
}

extension VoteRequest.Kind {
    fileprivate init?(word: String) {
        switch word {
        case "preVote": self = .preVote
        case "vote": self = .vote
        case "handOver": self = .handOver
        default: return nil
        }
    }
}

extension InSyncRecord {
    /// `epoch.number:id,id`
    var text: String { "\(epoch).\(number):" + members.map { "\($0)" }.joined(separator: ",") }

    init?(text: String) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let stamp = ConfigurationStamp(text: parts[0]) else { return nil }
        let words = parts[1].split(separator: ",")
        let members = words.compactMap { NodeID($0) }
        guard members.count == words.count else { return nil }
        self.init(epoch: stamp.epoch, number: stamp.version, members: members)
    }
}

/// A vote as it is told: its row of fields.
extension VoteReply {
    var fields: [String?] { ["vote", isPreVote ? "pre" : "", "\(asked)", "\(epoch)", isGranted ? "granted" : ""] }

    init?(_ fields: [String?]) {
        let words = fields.map { $0 ?? "" }
        guard words.count == 5, words[0] == "vote", let asked = Epoch(told: words[2]), let epoch = Epoch(told: words[3])
        else { return nil }
        self.init(isPreVote: words[1] == "pre", asked: asked, epoch: epoch, isGranted: words[4] == "granted")
    }
}

/// Where a node is, as it answers.
struct PeerStanding: Equatable {
    let id: NodeID
    let epoch: Epoch
    /// Whether it leads that epoch.
    let leads: Bool
    /// Nil: not known before its database runs.
    let logEnd: LogEnd?
    /// Its log is short: what it once acknowledged goes further.
    let acknowledged: LogEnd?

    init(id: NodeID, epoch: Epoch, leads: Bool, _ standing: Standing?) {
        self.id = id
        self.epoch = epoch
        self.leads = leads
        logEnd = standing?.logEnd
        acknowledged = standing.flatMap { $0.isShort ? $0.acknowledged : nil }
    }

    /// A release that does not know of short logs takes the longer row for no answer: then nobody counts on this node.
    var fields: [String?] {
        ["standing", "\(id)", "\(epoch)", leads ? "leads" : "", logEnd.map { "\($0.epoch)" }, logEnd.map { "\($0.sequence)" }]
            + (acknowledged.map { ["\($0.epoch)", "\($0.sequence)"] } ?? [])
    }

    init?(_ fields: [String?]) {
        guard fields.count == 6 || fields.count == 8, fields[0] == "standing", let id = fields[1].flatMap({ NodeID($0) }),
            let epoch = fields[2].flatMap({ Epoch(told: $0) })
        else { return nil }
        self.id = id
        self.epoch = epoch
        leads = fields[3] == "leads"
        logEnd = Self.logEnd(fields[4...5])
        acknowledged = Self.logEnd(fields[6...])
    }

    private static func logEnd(_ fields: ArraySlice<String?>) -> LogEnd? {
        let numbers = fields.compactMap { $0.flatMap { UInt64($0) } }
        return numbers.count == 2 ? LogEnd(epoch: Epoch(rawValue: numbers[0]), sequence: numbers[1]) : nil
    }
}
