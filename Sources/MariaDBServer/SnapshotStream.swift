package import ClusterModel

/// A digest of a stream, fed piece by piece from one thread and read when all is fed.
package protocol StreamDigest: AnyObject, Sendable {
    func update(_ bytes: UnsafeRawBufferPointer)
    /// Of all that was fed; to be read once.
    func value() -> [UInt8]
}

/// What a whole snapshot is known by on both sides.
package struct SnapshotSummary: Sendable, Equatable {
    /// Of the stream.
    package let bytes: UInt64
    /// Of the stream.
    package let digest: [UInt8]
    /// What the copied database had executed.
    package let position: Position

    package init(bytes: UInt64, digest: [UInt8], position: Position) {
        self.bytes = bytes
        self.digest = digest
        self.position = position
    }

    /// Fails where what came is not what was sent.
    func check(bytes found: UInt64, _ digest: any StreamDigest) throws(ServerProblem) {
        guard bytes == found else { throw .snapshotUnusable("\(found) bytes came of \(bytes)") }
        guard !self.digest.isEmpty, self.digest == digest.value() else {
            throw .snapshotUnusable("its digest is another than that of what was sent")
        }
    }
}
