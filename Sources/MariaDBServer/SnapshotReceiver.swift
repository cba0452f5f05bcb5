/// Takes a snapshot's stream, piece by piece, until it has been compared with what was sent.
package protocol SnapshotReceiver: Sendable {
    /// Begins. Call it once.
    func start()
    func give(_ piece: [UInt8])
    /// That was all; it must be what `summary` says.
    func finish(_ summary: SnapshotSummary)
    /// Ends at once; nothing is left unless it was `ready`.
    func cancel()
}

extension SnapshotRestore: SnapshotReceiver {}
