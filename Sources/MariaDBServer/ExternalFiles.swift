package import ClusterModel

/// What a node keeps in its data folder about the external server that it fills from snapshots. Every call waits for the disk.
package struct ExternalFiles: Sendable {
    /// Whose databases the server holds, as far as is known.
    package enum Origin: String, Sendable {
        /// They came from the cluster, or there were none.
        case cluster
        /// There were some before anything came from the cluster.
        case own
    }

    private static let bytesMax = 256
    let paths: ServerPaths

    /// `directory`: the node's data directory, absolute.
    package init(directory: String) throws(ServerProblem) { paths = try ServerPaths(directory: directory) }

    package var origin: Origin? { text(paths.origin).flatMap(Origin.init(rawValue:)) }

    package func keep(_ origin: Origin) throws(ServerProblem) {
        guard origin != self.origin else { return }
        try System.writePrivate(paths.origin, "\(origin.rawValue)\n")
        try System.syncFileSystem(of: paths.directory)
    }

    /// From now on until `accept()` the server's databases are no whole ones.
    package func begin(_ position: Position) throws(ServerProblem) {
        try keep(.cluster)
        try System.writePrivate(paths.loading, "\(position)\n")
        try System.syncFileSystem(of: paths.directory)
    }

    /// The position of the snapshot that is to be loaded, or is half loaded; nil where there is none such.
    package func pending() throws(ServerProblem) -> Position? {
        guard System.exists(paths.loading) else { return nil }
        guard let gtid = text(paths.loading).flatMap({ GTID($0[...]) }) else { throw .snapshotUnusable("\(paths.loading) holds no position") }
        guard System.exists(paths.spool) else {
            throw .snapshotUnusable("\(paths.spool) is gone; remove \(paths.loading) and every database of the external server, and start again")
        }
        return Position(gtid)
    }

    /// The server holds all of it and knows its position, durably.
    package func accept() throws(ServerProblem) {
        try System.removeTree(paths.loading)
        try System.syncFileSystem(of: paths.directory)
        try discard()
    }

    /// Removes what is there of a snapshot that no load is pending of.
    package func discard() throws(ServerProblem) {
        guard !System.exists(paths.loading) else { return }
        try System.removeTree(paths.spooling)
        try System.removeTree(paths.spool)
    }

    private func text(_ path: String) -> String? {
        System.read(path, bytesMax: Self.bytesMax).map { String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self) }
    }
}
