/// What a node is in its cluster right now.
package enum Role: String, Sendable, CaseIterable {
    /// Takes writes and ships its binlog to the slaves.
    case master
    /// Applies the master's binlog, answers reads, forwards writes.
    case slave
}
