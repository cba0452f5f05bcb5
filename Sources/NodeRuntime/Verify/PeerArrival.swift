import EventLoop

extension Node {
    /// A session turned out to be another node that asks.
    func peerArrived(_ session: ClientSession, version: Int, rest: [UInt8]) {
        forget(session)
        guard version == 1, !isStopping, verifier.peers.values.count(where: \.hasGreeted) < Verifier.peersMax else {
            log.warning("a node that asks can't be served", ["version": "\(version)"])
            return session.channel.close()
        }
        do {
            let peer = try PeerServer(self, session.channel)
            session.channel.handOver(to: peer)
            peer.begin(rest: rest)
        } catch {
            log.error("a peer could not be answered", ["error": "\(error)"])
            session.channel.close()
        }
    }
}
