package import ClusterModel

/// What two nodes say to each other on a link, after the line `.link 1`.
///
/// On the wire: the length of what follows (32 bits, little-endian), the kind (one byte), the fields.
package enum Frame: Equatable, Sendable {
    /// Master to slave: who it is, and a number to prove the secret on.
    case challenge(Challenge)
    /// Slave to master: who it is, and its proof.
    case hello(Hello)
    /// Master to slave: its own proof, and the slave's id.
    case welcome(Welcome)
    /// Either way, before it closes: why.
    case refused(LinkRefusal)
    /// Slave to master: send what comes next. Of each writer of its log the last transaction, oldest first, as far back as it knows.
    case resume([GTID])
    /// Master to slave: the last transaction that both logs have; what the slave has beyond it goes, and what comes next follows on it.
    case resumeAt(Position)
    /// Master to slave: who belongs to the cluster, in the master's words.
    case members(String)
    /// Master to slave: whole binlog events, as its database logged them.
    case events([UInt8])
    /// Master to slave: events compressed by zlib, and how many bytes they are.
    case packedEvents(count: UInt32, [UInt8])
    /// Master to slave: its binlog no longer holds, or never held, what the slave asked for.
    case gone(String)
    /// Master to slave, at every heartbeat: how far it is, and everybody it knows.
    case beat(Beat)
    /// Slave to master: how far it is.
    case ack(Ack)
    /// Slave to master: up to where must a read see that came now?
    case readIndex(UInt64)
    /// Master to slave: the answer, or why there is none.
    case readAnswer(UInt64, Position, refusal: String)
    /// Master to slave: more may be applied.
    case committed(Commitment)
    /// Between peers: send a whole copy of the database, of this kind.
    case snapshotWanted(SnapshotKind)
    /// The answer: it comes after so many others have theirs. Told again and again, as a sign of life.
    case snapshotQueued(ahead: UInt32)
    /// The next piece of the copy's stream.
    case snapshotData([UInt8])
    /// That was all of it.
    case snapshotDone(SnapshotDone)

    /// What the whole stream of a snapshot must come to.
    package struct SnapshotDone: Equatable, Sendable {
        /// Of the stream.
        package var bytes: UInt64
        /// XXH3 of the stream, 16 bytes, big-endian.
        package var digest: [UInt8]
        /// What the copied database had executed.
        package var position: Position

        package init(bytes: UInt64, digest: [UInt8], position: Position) {
            self.bytes = bytes
            self.digest = digest
            self.position = position
        }
    }
    /// On a connection between peers, where one asks: a request, its fields.
    case ask([String?])
    /// The answer: rows of fields.
    case told([[String?]])
    /// Why there is no answer.
    case notTold([String?])

    package struct Challenge: Equatable, Sendable {
        package var cluster: String
        package var master: NodeID
        package var epoch: Epoch
        /// Whether the master has a secret and will ask for a proof.
        package var secured: Bool
        /// 32 random bytes, then the uuid of the master's folder. Earlier releases leave that out, and take it for more random bytes.
        package var nonce: [UInt8]

        private static let randomBytes = 32
        private static let uuidBytesMax = 32

        /// - Parameter uuid: one that is too long, as none of a node is, is left out.
        static func nonce(_ random: [UInt8], uuid: String) -> [UInt8] {
            uuid.utf8.count <= uuidBytesMax && random.count == randomBytes ? random + Array(uuid.utf8) : random
        }

        /// Of the master's folder; nil where it does not say.
        package var uuid: String? {
            nonce.count > Self.randomBytes ? String(decoding: nonce[Self.randomBytes...], as: UTF8.self) : nil
        }

        package init(cluster: String, master: NodeID, epoch: Epoch, secured: Bool, nonce: [UInt8]) {
            self.cluster = cluster
            self.master = master
            self.epoch = epoch
            self.secured = secured
            self.nonce = nonce
        }
    }

    package struct Hello: Equatable, Sendable {
        package var cluster: String
        /// Made once with the node's data directory, so that a node is known again.
        package var uuid: String
        /// The id it has or wants; 0 asks for one.
        package var id: UInt32
        /// Where its clients reach it.
        package var address: String
        package var nonce: [UInt8]
        package var proof: [UInt8]
        /// It wants to vote and hold no data.
        package var isWitness: Bool

        package init(
            cluster: String, uuid: String, id: UInt32, address: String, nonce: [UInt8], proof: [UInt8], isWitness: Bool = false
        ) {
            self.isWitness = isWitness
            self.cluster = cluster
            self.uuid = uuid
            self.id = id
            self.address = address
            self.nonce = nonce
            self.proof = proof
        }
    }

    package struct Welcome: Equatable, Sendable {
        package var id: NodeID
        package var proof: [UInt8]

        package init(id: NodeID, proof: [UInt8]) {
            self.id = id
            self.proof = proof
        }
    }

    package struct Beat: Equatable, Sendable {
        package var position: Position
        package var committed: Commitment
        /// Counts the master's beats; an ack tells the last that was heard.
        package var number: UInt64
        /// The master's clock, milliseconds since 1970; only differences count.
        package var clockMs: UInt64
        package var nodes: [NodeStatus]

        package init(position: Position, committed: Commitment, number: UInt64, clockMs: UInt64, nodes: [NodeStatus]) {
            self.position = position
            self.number = number
            self.committed = committed
            self.clockMs = clockMs
            self.nodes = nodes
        }
    }

    package struct Ack: Equatable, Sendable {
        /// On the slave's disk.
        package var received: Position
        /// Executed by the slave's database.
        package var applied: Position
        /// One word on how the slave is; after a blank, why, where it can't apply.
        package var state: String
        /// The last beat it heard.
        package var beat: UInt64
        /// Which list of members it has on disk.
        package var members: String

        package init(received: Position, applied: Position, state: String, beat: UInt64, members: String = "") {
            self.beat = beat
            self.members = members
            self.received = received
            self.applied = applied
            self.state = state
        }
    }
}

/// What a copy of a database is made of.
package enum SnapshotKind: UInt8, Sendable, CaseIterable {
    /// The server's files.
    case physical = 0
    /// Statements that build databases and rows, for a server whose files are not the node's.
    case logical = 1
}

/// How much of what a slave has received it may apply and show.
package enum Commitment: Equatable, Sendable {
    /// All of it: the master's commits wait for nobody.
    case all
    /// What enough nodes hold.
    case upTo(Position)
}

/// Why a node does not talk to another.
package struct LinkRefusal: Error, Equatable, Sendable {
    package enum Reason: UInt8, Sendable, CaseIterable {
        case otherCluster = 1
        case badProof = 2
        case secretMissing = 3
        case idTaken = 4
        case notMaster = 5
        case badFrame = 6
        case shuttingDown = 7
        case silent = 8
        case badStream = 9
        /// It has no snapshots to give, now or later.
        case noSnapshot = 10
        /// This one broke off; another may come through.
        case snapshotFailed = 11
        case removed = 12
        /// It may be let in a little later.
        case notYet = 13
        /// A change of master came after the one that made this node master.
        case laterEpoch = 14
    }

    package let reason: Reason
    /// What to tell the operator.
    package let words: String
    /// Of `notMaster`: where the master is, as `host:port`, if known; else empty.
    package let master: String

    package init(_ reason: Reason, _ words: String, master: String = "") {
        self.reason = reason
        self.words = words
        self.master = master
    }
}
