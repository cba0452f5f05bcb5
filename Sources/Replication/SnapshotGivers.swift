package import ClusterModel

/// Whom a node asks for a snapshot, one after another.
package enum SnapshotGivers {
    /// A slave further behind has little to give that the master's binlog has not.
    package static let behindMax: UInt64 = 10_000

    /// Slaves, the most advanced first; then the master, which has clients' writes to see to.
    ///
    /// - Parameters:
    ///   - nodes: as the master told them.
    ///   - floor: what the asking node holds and may have acknowledged: a copy of less would take that away.
    ///   - sparesMaster: false: the master alone is asked.
    package static func inOrder(_ nodes: [NodeStatus], own: NodeID, floor: Position, sparesMaster: Bool) -> [NodeStatus] {
        guard let master = nodes.first(where: { $0.role == .master && $0.id != own }) else { return [] }
        let least = max(floor.sequence, master.applied.sequence - min(master.applied.sequence, behindMax))
        let slaves = nodes.filter {
            // Under writes a slave that is well is mostly a little behind.
            $0.role == .slave && $0.id != own && ["streaming", "catching-up"].contains($0.state) && $0.applied > .start
                && $0.applied.sequence >= least
        }
        return (sparesMaster ? slaves.sorted { ($1.applied, $0.id) < ($0.applied, $1.id) } : []) + [master]
    }
}
