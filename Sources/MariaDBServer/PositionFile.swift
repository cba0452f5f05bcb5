import ClusterModel

/// A file that holds one position: twice, a line each, so that another one never comes out of it by damage. Earlier versions wrote one line.
enum PositionFile {
    private static let bytesMax = 256

    static func write(_ path: String, _ position: Position) throws(ServerProblem) { try System.writePrivate(path, "\(position)\n\(position)\n") }

    /// Throws where the file, which is there, can't be read or holds anything else.
    static func read(_ path: String) throws(ServerProblem) -> Position {
        let text = String(decoding: System.read(path, bytesMax: bytesMax) ?? [], as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.last == "", (2...3).contains(lines.count), Set(lines.dropLast()).count == 1, let gtid = GTID(lines[0]) else {
            throw .snapshotUnusable("\(path) is damaged: it holds no position")
        }
        return Position(gtid)
    }
}
