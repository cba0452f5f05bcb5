import ClusterModel

/// Under which settings a cluster chooses its master by itself.
package struct ElectionRules: Sendable {
    /// Elections are wanted, and this node's database could be made a master's.
    package let isAutomatic: Bool
    /// An operator takes it that acknowledged writes may be lost.
    package let mayLoseWrites: Bool
    /// How many nodes must hold a write, the master counted, where so many vote.
    package let copies: @Sendable (_ voters: Int) -> Int

    package init(isAutomatic: Bool, mayLoseWrites: Bool, copies: @escaping @Sendable (Int) -> Int) {
        self.isAutomatic = isAutomatic
        self.mayLoseWrites = mayLoseWrites
        self.copies = copies
    }

    package func elects(_ configuration: Configuration) -> Bool {
        // Two can't tell which of them is cut off.
        guard isAutomatic, configuration.voters.count >= 3 else { return false }
        // All that are in sync hold each write, and the witness helps no other node.
        if configuration.witness != nil { return true }
        return configuration.allowsFailover(copies: copies(configuration.holders.count), mayLoseWrites: mayLoseWrites)
    }
}
