import ClusterModel
import Failover

extension NodeDirectory {
    /// What a node keeps about itself across restarts.
    struct State {
        /// Made once with the folder.
        var uuid: String
        /// Nil until the master gave one.
        var id: NodeID?
        /// What it was told to be at first; what it is now is for the cluster to say.
        var role: NodeKind
        var cluster: String
        /// What it must remember of elections.
        var hardState = HardState.initial
        /// It leads, or led last: its database may hold what no other node has.
        var wrote = false
        /// Other nodes may have had what its database wrote before this node's disk had it.
        var readAhead = false
        /// What its database wrote up to here as master may not be the cluster's: that is to be found out before the database starts.
        var unsettled: Position?
        /// The machine's start during which the node's database ran last.
        var boot: String?
        /// A crash may have left the database with the definition after this position done but not counted.
        var doubtAfter: Position?
        /// Beside its journal is a mark of how far that was acknowledged.
        var marksJournal = false
        /// There is a list of members.
        var isListed = false
        /// A witness's: for whom it may vote.
        var inSync: InSyncRecord?
    }
}

/// A line of a node's state that says nothing.
struct NodeStateFault: Error, CustomStringConvertible {
    let line: Substring

    var description: String { line.isEmpty ? "something is missing in it" : "\"\(line.prefix(80))\" is no line of it" }
}

/// As text: a line `key=value` for each thing that is known. Lines of later versions are left out.
extension NodeDirectory.State {
    var text: String {
        let known = [
            id.map { "id=\($0)" }, boot.map { "boot=\($0)" }, doubtAfter.map { "doubt=\($0)" }, "epoch=\(hardState.epoch)",
            hardState.votedFor.map { "vote=\($0)" }, wrote ? "wrote=yes" : nil, readAhead ? "ahead=yes" : nil,
            unsettled.map { "unsettled=\($0)" }, marksJournal ? "mark=yes" : nil, isListed ? "listed=yes" : nil, inSync.map { "insync=\($0.text)" },
        ]
        return (["uuid=\(uuid)", "role=\(role.rawValue)", "cluster=\(cluster)"] + known.compactMap { $0 }).map { $0 + "\n" }.joined()
    }

    /// What can't be read is no absent value: it is an error.
    init(_ text: String) throws(NodeStateFault) {
        var lines: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "="), lines.updateValue(line[line.index(after: equals)...], forKey: line[..<equals]) == nil else {
                throw NodeStateFault(line: line)
            }
        }
        func value<Value>(_ key: Substring, _ read: (Substring) -> Value?) throws(NodeStateFault) -> Value? {
            guard let text = lines[key] else { return nil }
            guard let value = read(text) else { throw NodeStateFault(line: "\(key)=\(text)") }
            return value
        }
        func flag(_ key: Substring) throws(NodeStateFault) -> Bool { try value(key) { $0 == "yes" ? true : nil } ?? false }
        /// "-" is before the first transaction.
        func position(_ key: Substring) throws(NodeStateFault) -> Position? {
            try value(key) { $0 == "-" ? .start : GTID($0).map { Position($0) } }
        }
        let role = try value("role") { NodeKind(rawValue: String($0)) }
        guard let uuid = lines["uuid"], !uuid.isEmpty, let role, let cluster = lines["cluster"] else { throw NodeStateFault(line: "") }
        self.init(
            uuid: String(uuid), id: try value("id") { NodeID($0) }, role: role, cluster: String(cluster), boot: lines["boot"].map { String($0) })
        doubtAfter = try position("doubt")
        let voted = try value("vote") { NodeID($0) }
        if let epoch = try value("epoch", { UInt64($0) }) {
            hardState = HardState(epoch: Epoch(rawValue: epoch), votedFor: voted)
        } else if voted != nil {
            throw NodeStateFault(line: "")
        }
        wrote = try flag("wrote")
        readAhead = try flag("ahead")
        unsettled = try position("unsettled")
        marksJournal = try flag("mark")
        isListed = try flag("listed")
        inSync = try value("insync") { InSyncRecord(text: String($0)) }
    }
}
