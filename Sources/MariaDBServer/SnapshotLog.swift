import ClusterModel

/// What the copying program writes about its work.
enum SnapshotLog {
    /// The program ended well and says so itself.
    static func check(_ log: ServerLog, program: String, how: String) throws(ServerProblem) {
        guard how == ChildProcess.success, log.lastLines().contains(where: { $0.hasSuffix("completed OK!") }) else {
            throw .snapshotFailed(program: program, how: how, lastLogLines: log.lastLines())
        }
    }

    /// From `… GTID of the last change '0-1-5'`; nil where there is none.
    static func position(_ log: ServerLog) -> Position? {
        let marker = "GTID of the last change '"
        for line in log.lastLines().reversed() {
            guard let start = line.firstRange(of: marker)?.upperBound else { continue }
            return position(list: line[start...].prefix { $0 != "'" })
        }
        return nil
    }

    /// From `xtrabackup_binlog_info`: file, offset and GTIDs, with tabs between them.
    static func position(info text: String) -> Position? {
        let fields = text.split(separator: "\n", omittingEmptySubsequences: false).first?.split(separator: "\t") ?? []
        return fields.count > 2 ? position(list: fields[2]) : nil
    }

    /// Only a position that is one: a database without a transaction is not worth a copy.
    private static func position(list: Substring) -> Position? {
        Position(list: list).flatMap { $0 == .start ? nil : $0 }
    }
}
