/// What a node is started as, and shown as. How it treats statements is its `Role`: a witness runs none.
package enum NodeKind: String, Sendable, CaseIterable {
    /// Takes writes, until another node does.
    case master
    /// Follows the master, until it is one.
    case slave
    /// Votes, and holds no data.
    case witness
}
