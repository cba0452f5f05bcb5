/// What is done to the cluster in a round.
package struct Fault: Equatable, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// kill -9 of ddbnode; its database dies with it, by the kernel's hand.
        case killNode = "kill-node"
        /// kill -9 of mariadbd; the node starts it again.
        case killDatabase = "kill-database"
        /// kill -9 of mariadbd, then of ddbnode.
        case killBoth = "kill-both"
        /// kill -9 of the master and of a slave at once, so that the last node must not take a write.
        case killMajority = "kill-majority"
        /// SIGSTOP of ddbnode, for longer than an election timeout.
        case pause
        /// Nothing gets through between the node and the others; clients reach it still.
        case partition
        /// Nothing gets from the node to the others, but to the node.
        case partitionOut = "partition-out"
        /// Nothing gets from the others to the node, but from it.
        case partitionIn = "partition-in"
        /// The disk under one node is full.
        case fullDisk = "full-disk"
        /// kill -9 of all.
        case restartAll = "restart-all"
    }

    package enum Target: String, Sendable {
        case master
        /// One of the slaves; `pick` says which.
        case slave
        /// The node whose disk is small, whatever its role.
        case smallDisk = "small-disk"
        case all
    }

    package let kind: Kind
    package let target: Target
    /// Chooses among the nodes that `target` fits.
    package let pick: Int
    /// How long it lasts.
    package let holdMs: Int
    /// It lasts longer where need be, until another master took a write; only where nodes fail over.
    package let lastsUntilFailover: Bool
    /// How long nothing is done before it.
    package let quietMs: Int

    /// As the command line names it.
    package var name: String { "\(kind.rawValue)/\(target.rawValue)" }
    package var description: String { "\(name) for \(holdMs) ms\(lastsUntilFailover ? " and until failover" : "")" }

    /// Whether it ends the master's process or its database's, and leaves enough nodes to go on without.
    package var killsMaster: Bool {
        switch kind {
        case .killNode, .killDatabase, .killBoth: target == .master
        case .killMajority, .pause, .partition, .partitionOut, .partitionIn, .fullDisk, .restartAll: false
        }
    }

    /// Whether it cuts the master off, or stops it, so that only its silence tells.
    package var silencesMaster: Bool {
        switch kind {
        case .pause, .partition, .partitionOut, .partitionIn: target == .master
        case .killNode, .killDatabase, .killBoth, .killMajority, .fullDisk, .restartAll: false
        }
    }

    /// Whether the cluster can do without the node while it lasts, so that another must become master.
    var canOutlastFailover: Bool {
        switch kind {
        case .killNode, .killBoth, .pause, .partition: target == .master
        case .killDatabase, .killMajority, .partitionOut, .partitionIn, .fullDisk, .restartAll: false
        }
    }
}
