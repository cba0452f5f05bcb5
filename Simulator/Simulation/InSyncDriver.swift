import ClusterModel
import Failover

extension SimulatedNode {
    /// With each beat: who keeps up, and what the witness has not answered yet.
    func reviewInSync() {
        guard var leading, leading.inSync != nil else { return }
        var nodes: Set<NodeID> = [id]
        for place in leading.peers.indices {
            let peer = leading.peers[place]
            guard peer.link != nil, peer.isMatched, nowMs - peer.heardMs < SimulatedCluster.electionTimeoutMs / 2 else { continue }
            nodes.insert(cluster.nodes[place].id)
        }
        // Once more: the link may have broken since.
        let again = leading.inSync?.pending.map { [InSyncSet.Action.record($0)] } ?? []
        let actions = again + (leading.inSync?.foundInSync(nodes, quorum: leading.quorum) ?? [])
        self.leading = leading
        perform(actions)
    }

    /// A witness came, or left some time ago.
    func witnessChanged() {
        guard let leading else { return }
        switch (configuration.witness, leading.inSync) {
        case (.some, nil):
            self.leading?.inSync = InSyncSet(own: id, epoch: leading.epoch, begun: Position(leading.takeover.marker), configuration: configuration)
        case (nil, .some):
            self.leading?.inSync?.witnessLeft()
            guard self.leading?.inSync?.mayEnd(installedBy: leading.reconfiguration.holders) ?? false else { return }
            self.leading?.inSync = nil
        case (.some, .some), (nil, nil): return
        }
        recount()
    }

    func perform(_ actions: [InSyncSet.Action]) {
        for action in actions {
            switch action {
            case .record(let record):
                guard let witness = configuration.witness else { continue }
                guard let link = leading?.peers[SimulatedCluster.place(witness)].link else { continue }
                cluster.send(.record(record), on: link, toLeader: false)
                guard cluster.breaks(.shrinkBeforeRecorded) else { continue }
                let early = leading?.inSync?.recorded(record) ?? []
                perform(early)
            case .count(let nodes):
                tell("counts on all of \(nodes)")
                recount()
            }
        }
    }
}
