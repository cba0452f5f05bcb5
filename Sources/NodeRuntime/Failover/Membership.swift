import ClusterModel
import EventLoop
import Failover
import Glibc
import NodeConfig

/// The list of members on this node's disk.
///
/// The file: a line `stamp epoch.version`, then a line a node, `uuid id address kind`; of kind `removed` is a node that is not let in again. It is
/// replaced whole, so that a crash leaves the old or the new one. The same text goes to the other nodes.
struct Membership: Sendable {
    /// Why a list can't be this node's.
    enum Problem: Error, Equatable {
        /// It is no list of members.
        case unreadable
        /// Its file is not what was written to it. Why.
        case damaged(String)
        case fault(ListFault)
        case system(SystemError)
    }

    private let path: String
    private(set) var list = MemberList.unknown
    /// Another node's list that was refused last: it comes again and again, and is told of once.
    private var refused: String?

    /// Reads the file; without one no node is known. `isExpected`: there was one.
    init(path: String, own: NodeIdentity, isExpected: Bool = false) throws(StoredProblem) {
        self.path = path
        do throws(Problem) {
            try read(own, isExpected)
        } catch {
            throw StoredProblem(path: path, problem: error)
        }
    }

    private mutating func read(_ own: NodeIdentity, _ isExpected: Bool) throws(Problem) {
        let content: TextFile.Content?
        do throws(TextFile.Problem) { content = try TextFile.readChecked(path) } catch {
            if case .system(let failure) = error { throw .system(failure) }
            throw .damaged("\(error)")
        }
        switch content {
        case nil: if isExpected, access(wrongPath, F_OK) != 0 { throw .damaged("it is gone") }
        case .checked(let text)?: list = try Self.read(text, own)
        case .unchecked(let text)?:
            // An earlier version's: that its last line is whole is all that can be seen.
            guard text.last == "\n" else { throw .damaged("it ends within a line") }
            list = try Self.read(text, own)
            do throws(SystemError) { try TextFile.replaceChecked(path, with: text) } catch { throw .system(error) }
        }
    }

    /// An operator who wants the list founded anew gives it this name.
    private var wrongPath: String { path + ".wrong" }

    var configuration: Configuration { list.configuration }
    var removed: [MemberList.Removed] { list.removed }

    /// The members' folders.
    var uuids: [NodeID: String] { Dictionary(configuration.members.map { ($0.id, $0.uuid) }) { first, _ in first } }

    private static func read(_ text: String, _ own: NodeIdentity) throws(Problem) -> MemberList {
        guard let list = parse(text) else { throw .unreadable }
        if let fault = list.fault(for: own) { throw .fault(fault) }
        return list
    }

    // MARK: As text

    /// Nil for what is no list. Whether it makes sense is for `MemberList.fault` to say.
    static func parse(_ text: String) -> MemberList? {
        var stamp = ConfigurationStamp(epoch: .first, version: 0)
        var members: [Member] = []
        var removed: [MemberList.Removed] = []
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
                removed.append(MemberList.Removed(uuid: words[0], id: id, address: words[2]))
            } else {
                guard let kind = Member.Kind(word: kind), let address = NodeAddress(words[2]) else { return nil }
                members.append(Member(id: id, uuid: words[0], address: address, kind: kind))
            }
        }
        return MemberList(Configuration(stamp: stamp, members: members), removed: removed)
    }

    static func text(_ list: MemberList) -> String {
        let members = list.configuration.members.map { "\($0.uuid) \($0.id) \($0.address) \($0.kind.word)\n" }
        let gone = list.removed.map { "\($0.uuid) \($0.id) \($0.address) removed\n" }
        return "stamp \(list.configuration.stamp)\n" + (members + gone).joined()
    }

    var text: String { Self.text(list) }

    /// On disk when this returns; what could not be stored is not so here either.
    mutating func install(_ new: MemberList) throws(SystemError) {
        guard new != list else { return }
        try TextFile.replaceChecked(path, with: Self.text(new))
        list = new
        // From here on a list that is gone is missed again.
        if rename(wrongPath, path + ".before") != 0, errno != ENOENT { throw SystemError("rename \(wrongPath)") }
    }

    /// What is to be done with another node's list.
    enum Offer: Equatable {
        /// It is newer, and makes sense.
        case newer(MemberList)
        /// This node's is as new, or the same was refused before.
        case known
        case refused(Problem)
    }

    mutating func offered(_ text: String, to own: NodeIdentity) -> Offer {
        do throws(Problem) {
            guard let list = Self.parse(text) else { throw .unreadable }
            guard list.configuration.stamp > configuration.stamp else { return .known }
            if let fault = list.fault(for: own) { throw .fault(fault) }
            return .newer(list)
        } catch {
            defer { refused = text }
            return refused == text ? .known : .refused(error)
        }
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
