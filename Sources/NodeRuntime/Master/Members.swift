import ClusterModel
import EventLoop
import Glibc

/// The nodes that ever joined this cluster, as its master knows them: which id belongs to which data directory.
///
/// A line a node, `uuid id address`, and `removed` behind it for one that is not let in again; the file is replaced whole, so that a crash leaves the old or the new one.
struct Members: Sendable {
    struct Member: Hashable, Sendable {
        let uuid: String
        let id: NodeID
        var address: String
        var isRemoved = false

        fileprivate var line: String { "\(uuid) \(id) \(address)\(isRemoved ? " removed" : "")\n" }
    }

    /// Why a node can't be admitted.
    enum Refusal: Error {
        case idTaken(NodeID, by: String)
        /// It was taken out of the cluster.
        case removed(NodeID)
        case tooMany
        /// Its uuid or address can't be kept in a line of the file.
        case unwritable
        case system(SystemError)
    }

    private static let membersMax = 254
    private static let wordBytesMax = 255

    private let path: String
    private var kept: [Member] = []
    /// Those that belong to the cluster.
    var all: [Member] { kept.filter { !$0.isRemoved } }

    /// Reads the file; without one there is nobody yet.
    init(path: String) throws(SystemError) {
        self.path = path
        guard let text = try TextFile.read(path) else { return }
        kept = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3 || words.count == 4 && words[3] == "removed", let id = NodeID(words[1]) else { return nil }
            return Member(uuid: String(words[0]), id: id, address: String(words[2]), isRemoved: words.count == 4)
        }
    }

    /// The id of a node: the one it had, the one it wants, or the next free one; durable when this returns.
    mutating func admit(uuid: String, wanted: NodeID?, address: String, master: NodeID) throws(Refusal) -> NodeID {
        guard Self.isWord(uuid), Self.isWord(address) else { throw .unwritable }
        if let index = kept.firstIndex(where: { $0.uuid == uuid }) {
            if kept[index].isRemoved { throw .removed(kept[index].id) }
            if let wanted, wanted != kept[index].id { throw .idTaken(wanted, by: "this node, which is \(kept[index].id) already") }
            if kept[index].address != address {
                var changed = kept
                changed[index].address = address
                try save(changed)
            }
            return kept[index].id
        }
        guard kept.count < Self.membersMax else { throw .tooMany }
        if let wanted {
            if wanted == master { throw .idTaken(wanted, by: "the master") }
            if let other = kept.first(where: { $0.id == wanted }) { throw .idTaken(wanted, by: "the node at \(other.address)") }
        }
        guard let id = wanted ?? nextID(master) else { throw .tooMany }
        try save(kept + [Member(uuid: uuid, id: id, address: address)])
        return id
    }

    /// Takes a node out for good; nil when there is none of that id. Its id is not given again.
    mutating func remove(_ id: NodeID) throws(Refusal) -> Member? {
        guard let index = kept.firstIndex(where: { $0.id == id && !$0.isRemoved }) else { return nil }
        var changed = kept
        changed[index].isRemoved = true
        try save(changed)
        return kept[index]
    }

    private func nextID(_ master: NodeID) -> NodeID? {
        let highest = kept.map(\.id).max().map { max($0, master) } ?? master
        return NodeID(rawValue: highest.rawValue + 1).flatMap { $0 <= .max ? $0 : nil }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= wordBytesMax
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0x9F).contains($0.value) && !$0.properties.isWhitespace }
    }

    /// What could not be stored is not so here either.
    private mutating func save(_ members: [Member]) throws(Refusal) {
        let text = members.map(\.line).joined()
        do throws(SystemError) { try TextFile.replace(path, with: text) } catch { throw .system(error) }
        kept = members
    }
}
