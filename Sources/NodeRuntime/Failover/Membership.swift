import ClusterModel
import EventLoop
import Failover
import NodeConfig

/// Who belongs to the cluster, on this node's disk: each node has the list, the master alone changes it.
///
/// The file: a line `stamp epoch.version`, then a line a node, `uuid id address kind`; of kind `removed` is who is not let in again. It is replaced
/// whole, so that a crash leaves the old or the new one. The same text goes to the other nodes.
struct Membership: Sendable {
    struct Removed: Hashable, Sendable {
        let uuid: String
        let id: NodeID
        let address: String
    }

    /// Why a node can't be admitted.
    enum Refusal: Error {
        case idTaken(NodeID, by: String)
        /// It was a data node before, or a witness, and is started as the other now.
        case otherKind(NodeID)
        /// The cluster has a witness already.
        case secondWitness(NodeID, at: String)
        /// It was taken out of the cluster.
        case removed(NodeID)
        case tooMany
        /// Its uuid or address can't be kept in a line of the file.
        case unwritable
        /// The change before is not on enough nodes.
        case notYet(String)
        case system(SystemError)
    }

    private static let wordBytesMax = 255

    private let path: String
    private(set) var configuration = Configuration.unknown
    private(set) var removed: [Removed] = []

    /// Reads the file; without one nobody is known.
    init(path: String) throws(SystemError) {
        self.path = path
        if let text = try TextFile.read(path), let (configuration, removed) = Self.parse(text) {
            (self.configuration, self.removed) = (configuration, removed)
        }
    }

    // MARK: As text

    static func parse(_ text: String) -> (Configuration, [Removed])? {
        var stamp = ConfigurationStamp(epoch: .first, version: 0)
        var members: [Member] = []
        var removed: [Removed] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 2, words[0] == "stamp" {
                guard let found = ConfigurationStamp(text: words[1]) else { return nil }
                stamp = found
                continue
            }
            guard words.count == 3 || words.count == 4, let id = NodeID(words[1]) else { return nil }
            let kind = words.count == 4 ? words[3] : "voter"
            if kind == "removed" {
                removed.append(Removed(uuid: words[0], id: id, address: words[2]))
            } else {
                guard let kind = Member.Kind(word: kind), let address = NodeAddress(words[2]) else { return nil }
                members.append(Member(id: id, uuid: words[0], address: address, kind: kind))
            }
        }
        guard Set(members.map(\.id)).count == members.count else { return nil }
        return (Configuration(stamp: stamp, members: members), removed)
    }

    static func text(_ configuration: Configuration, _ removed: [Removed]) -> String {
        let members = configuration.members.map { "\($0.uuid) \($0.id) \($0.address) \($0.kind.word)\n" }
        let gone = removed.map { "\($0.uuid) \($0.id) \($0.address) removed\n" }
        return "stamp \(configuration.stamp)\n" + (members + gone).joined()
    }

    var text: String { Self.text(configuration, removed) }

    /// On disk when this returns; what could not be stored is not so here either.
    mutating func install(_ configuration: Configuration, removed: [Removed]) throws(SystemError) {
        guard configuration != self.configuration || removed != self.removed else { return }
        try TextFile.replace(path, with: Self.text(configuration, removed))
        (self.configuration, self.removed) = (configuration, removed)
    }

    /// Another node's list, if it is newer.
    mutating func install(text: String) throws(SystemError) -> Bool {
        guard let (configuration, removed) = Self.parse(text), configuration.stamp > self.configuration.stamp else { return false }
        try install(configuration, removed: removed)
        return true
    }

    // MARK: Admitting

    /// The member that a node which wants to join is, or would be: the id it had, the one it wants, or the next free one.
    func admission(uuid: String, wanted: NodeID?, address: String, isWitness: Bool) throws(Refusal) -> Member {
        guard Self.isWord(uuid), Self.isWord(address), let address = NodeAddress(address) else { throw .unwritable }
        if let gone = removed.first(where: { $0.uuid == uuid }) { throw .removed(gone.id) }
        if let known = configuration.members.first(where: { $0.uuid == uuid }) {
            if let wanted, wanted != known.id { throw .idTaken(wanted, by: "this node, which is \(known.id) already") }
            guard (known.kind == .witness) == isWitness else { throw .otherKind(known.id) }
            return Member(id: known.id, uuid: uuid, address: address, kind: known.kind)
        }
        if isWitness, let other = configuration.witness.flatMap(configuration.member) {
            throw .secondWitness(other.id, at: other.address.description)
        }
        let taken = configuration.members.map { ($0.id, $0.address.description) } + removed.map { ($0.id, $0.address) }
        if let wanted, let (_, other) = taken.first(where: { $0.0 == wanted }) { throw .idTaken(wanted, by: "the node at \(other)") }
        let next = NodeID(rawValue: (taken.map(\.0.rawValue).max() ?? 0) + 1).flatMap { $0 <= .max ? $0 : nil }
        guard let id = wanted ?? next else { throw .tooMany }
        return Member(id: id, uuid: uuid, address: address, kind: isWitness ? .witness : .learner)
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= wordBytesMax
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0x9F).contains($0.value) && !$0.properties.isWhitespace }
    }
}

extension ConfigurationStamp {
    /// `epoch.version`
    init?(text: some StringProtocol) {
        let parts = text.split(separator: ".").compactMap { UInt64($0) }
        guard parts.count == 2 else { return nil }
        self.init(epoch: Epoch(rawValue: parts[0]), version: parts[1])
    }
}

extension Member.Kind {
    var word: String {
        switch self {
        case .voter: "voter"
        case .learner: "learner"
        case .witness: "witness"
        }
    }

    init?(word: String) {
        switch word {
        case "voter": self = .voter
        case "learner": self = .learner
        case "witness": self = .witness
        default: return nil
        }
    }
}
