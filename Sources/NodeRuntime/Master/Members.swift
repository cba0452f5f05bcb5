import ClusterModel
import EventLoop
import Glibc

/// The nodes that ever joined this cluster, as its master knows them: which id belongs to which data directory.
///
/// A line a node, `uuid id address`; the file is replaced whole, so that a crash leaves the old or the new one.
struct Members: Sendable {
    struct Member: Hashable, Sendable {
        let uuid: String
        let id: NodeID
        var address: String
    }

    /// Why a node can't be admitted.
    enum Refusal: Error {
        case idTaken(NodeID, by: String)
        case tooMany
        /// Its uuid or address can't be kept in a line of the file.
        case unwritable
        case system(SystemError)
    }

    private static let membersMax = 254
    private static let wordBytesMax = 255

    private let path: String
    private(set) var all: [Member] = []

    /// Reads the file; without one there is nobody yet.
    init(path: String) throws(SystemError) {
        self.path = path
        guard let text = try TextFile.read(path) else { return }
        all = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, let id = NodeID(words[1]) else { return nil }
            return Member(uuid: String(words[0]), id: id, address: String(words[2]))
        }
    }

    /// The id of a node: the one it had, the one it wants, or the next free one; durable when this returns.
    mutating func admit(uuid: String, wanted: NodeID?, address: String, master: NodeID) throws(Refusal) -> NodeID {
        guard Self.isWord(uuid), Self.isWord(address) else { throw .unwritable }
        if let index = all.firstIndex(where: { $0.uuid == uuid }) {
            if let wanted, wanted != all[index].id { throw .idTaken(wanted, by: "this node, which is \(all[index].id) already") }
            if all[index].address != address {
                var changed = all
                changed[index].address = address
                try save(changed)
            }
            return all[index].id
        }
        guard all.count < Self.membersMax else { throw .tooMany }
        if let wanted {
            if wanted == master { throw .idTaken(wanted, by: "the master") }
            if let other = all.first(where: { $0.id == wanted }) { throw .idTaken(wanted, by: "the node at \(other.address)") }
        }
        guard let id = wanted ?? nextID(master) else { throw .tooMany }
        try save(all + [Member(uuid: uuid, id: id, address: address)])
        return id
    }

    private func nextID(_ master: NodeID) -> NodeID? {
        let highest = all.map(\.id).max().map { max($0, master) } ?? master
        return NodeID(rawValue: highest.rawValue + 1).flatMap { $0 <= .max ? $0 : nil }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= wordBytesMax
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0x9F).contains($0.value) && !$0.properties.isWhitespace }
    }

    /// What could not be stored is not so here either.
    private mutating func save(_ members: [Member]) throws(Refusal) {
        let text = members.map { "\($0.uuid) \($0.id) \($0.address)\n" }.joined()
        do throws(SystemError) { try TextFile.replace(path, with: text) } catch { throw .system(error) }
        all = members
    }
}
