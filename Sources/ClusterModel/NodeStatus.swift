/// One node as another sees it: a row of `.nodes`.
package struct NodeStatus: Hashable, Sendable {
    package var id: NodeID
    package var role: NodeKind
    /// Where its clients reach it.
    package var address: String
    /// One word: `streaming`, `catching-up`, `away`, `serving`, …
    package var state: String
    package var received: Position
    package var applied: Position
    /// How far its applied state is behind the master's clock; nil when not known.
    package var lagMs: Int?
    /// Since it was last heard, 0 for the node that tells; nil where it was not heard since the master started.
    package var lastSeenMs: Int?

    package init(id: NodeID, role: NodeKind, address: String, state: String, received: Position, applied: Position, lagMs: Int?, lastSeenMs: Int?) {
        self.id = id
        self.role = role
        self.address = address
        self.state = state
        self.received = received
        self.applied = applied
        self.lagMs = lagMs
        self.lastSeenMs = lastSeenMs
    }
}
