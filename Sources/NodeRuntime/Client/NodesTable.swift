import ClusterModel

/// The reply to `.nodes`.
enum NodesTable {
    static let columns = ["node", "role", "address", "state", "received", "applied", "lag_ms", "last_seen_ms"]

    static func rows(_ nodes: [NodeStatus]) -> [[String?]] {
        nodes.map { node in
            [
                "\(node.id)", node.role.rawValue, node.address, node.state, "\(node.received)", "\(node.applied)", node.lagMs.map { "\($0)" },
                node.lastSeenMs.map { "\($0)" },
            ]
        }
    }
}
