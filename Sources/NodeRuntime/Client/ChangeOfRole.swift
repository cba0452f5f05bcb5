import LineProtocol
import StatementGate

/// What a session kept on this node's database while the node had another role.
extension ClientSession {
    /// True when the session had something here that a change of master took: it must not go on as if it were still there.
    func losesState(under what: Classification) -> Bool {
        guard local.roleChanges != node.roleChanges else { return false }
        local.roleChanges = node.roleChanges
        guard local.pinned != nil || local.offices.locks != nil, local.running == nil else { return false }
        if let pinned = local.pinned { local.forget(pinned) }
        local.closeOffices()
        noteLoss(local.takeLost().union(forwarded?.dropState() ?? []), under: what, nil)
        forwarded?.forget()
        return true
    }

    static let stateOfRoleLost = ReplyError(
        .connectionLost,
        "the master changed, and the session's transaction and settings on this node are gone with its database connection; this was not run, begin anew"
    )
}
