import ClusterModel

/// What a node brings to a link: which cluster, and how to prove that it holds the cluster's secret.
package struct LinkIdentity: Sendable {
    package let cluster: String
    /// Of this node's folder.
    package let uuid: String
    /// HMAC-SHA256 under the secret; nil where no secret is set.
    package let prove: (@Sendable ([UInt8]) -> [UInt8])?
    /// Compares two proofs in constant time.
    package let equal: @Sendable ([UInt8], [UInt8]) -> Bool
    /// What it proves for: a proof made for one kind of connection is of no use on another.
    private var purpose = "link"

    package init(
        cluster: String, uuid: String = "", prove: (@Sendable ([UInt8]) -> [UInt8])?, equal: @escaping @Sendable ([UInt8], [UInt8]) -> Bool
    ) {
        self.cluster = cluster
        self.uuid = uuid
        self.prove = prove
        self.equal = equal
    }

    /// The same node's, on a connection between peers.
    package var ofPeer: LinkIdentity {
        var identity = self
        identity.purpose = "peer"
        return identity
    }

    /// What the answering side says first. `random`: 32 random bytes, used for this connection alone.
    func challenge(_ own: NodeID, _ epoch: Epoch, random: [UInt8]) -> Frame.Challenge {
        Frame.Challenge(
            cluster: cluster, master: own, epoch: epoch, secured: prove != nil, nonce: Frame.Challenge.nonce(random, uuid: uuid))
    }

    /// The slave's proof covers all it claims and both nonces, so that none of it can be altered or replayed.
    func slaveProof(_ challenge: Frame.Challenge, _ hello: Frame.Hello) -> [UInt8] {
        prove?(transcript("slave", challenge, hello, id: hello.id)) ?? []
    }

    /// The master's proof covers the id it gives, too.
    func masterProof(_ challenge: Frame.Challenge, _ hello: Frame.Hello, id: NodeID) -> [UInt8] {
        prove?(transcript("master", challenge, hello, id: id.rawValue)) ?? []
    }

    private func transcript(_ side: String, _ challenge: Frame.Challenge, _ hello: Frame.Hello, id: UInt32) -> [UInt8] {
        var writer = ByteWriter()
        for text in ["ddbnode \(purpose) 1", side, challenge.cluster, hello.cluster, hello.uuid, hello.address] { writer.string(text) }
        writer.number(challenge.master.rawValue)
        writer.number(challenge.epoch.rawValue)
        writer.number(id)
        writer.number(UInt8(hello.isWitness ? 1 : 0))
        writer.string(challenge.nonce)
        writer.string(hello.nonce)
        return writer.bytes
    }
}
