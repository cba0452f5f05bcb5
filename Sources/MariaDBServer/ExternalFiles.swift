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

    /// Nil: nothing is known. Throws where the file holds something else than its words, which no flipped bit turns into each other.
    package func origin() throws(ServerProblem) -> Origin? {
        guard System.exists(paths.origin) else { return nil }
        let text = String(decoding: System.read(paths.origin, bytesMax: Self.bytesMax) ?? [], as: UTF8.self)
        guard text.last == "\n", let origin = Origin(rawValue: String(text.dropLast())) else {
            throw .snapshotUnusable(
                "\(paths.origin) is damaged: it should say `cluster` or `own`; write there whose databases the external server holds, and start again"
            )
        }
        return origin
    }

    package func keep(_ origin: Origin) throws(ServerProblem) {
        guard try origin != self.origin() else { return }
        try System.writePrivate(paths.origin, "\(origin.rawValue)\n")
        try System.syncFileSystem(of: paths.directory)
    }

    /// From now on until `accept()` the server's databases are no whole ones.
    package func begin(_ position: Position) throws(ServerProblem) {
        try keep(.cluster)
        try PositionFile.write(paths.loading, position)
        try System.syncFileSystem(of: paths.directory)
    }

    /// The position of the snapshot that is to be loaded, or is half loaded; nil where there is none such.
    package func pending() throws(ServerProblem) -> Position? {
        guard System.exists(paths.loading) else { return nil }
        let position = try PositionFile.read(paths.loading)
        guard System.exists(paths.spool) else {
            throw .snapshotUnusable("\(paths.spool) is gone; remove \(paths.loading) and every database of the external server, and start again")
        }
        return position
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
}
