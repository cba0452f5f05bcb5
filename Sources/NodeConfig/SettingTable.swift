import ClusterModel

extension SettingKey {
    /// Every key, in the order of the documentation.
    package static let all = node + database + clients + nodes + failover + operation

    private static let dayMs = 86_400_000
    private static let anyAddress = ValueForm.address(words: "host:port (port 0: any free one)", port: 0...)
    private static let address = ValueForm.address(words: "host:port", port: 1...)

    private static let node = [
        SettingKey(
            "role", \.role, .choice, flag: FlagName("--role", \.role), fallback: "none: must be given",
            "Takes writes, follows the master, or holds no data and only votes."),
        SettingKey(
            "id", \.id, ValueForm.nodeID.orNone(), flag: FlagName("--id", \.id), fallback: "1 for a master; others are given one by the master",
            "The node's number in the cluster, its own for good."),
        SettingKey(
            "listen", \.listen, anyAddress.orNone(), flag: FlagName("--listen", \.listen),
            fallback: "127.0.0.1:7001; for a slave or witness the first free port after 7001", "Where clients and other nodes connect."),
        SettingKey(
            "advertise", \.advertise, address.orNone(), fallback: "what `listen` says",
            "What others are told to connect to; must be given when `listen` is 0.0.0.0 or [::]."),
        SettingKey(
            "master", \.master, address.orNone(), flag: FlagName("--master", \.master),
            "The master to follow: for a slave or a witness, and only for those."),
        SettingKey(
            "data", \.data, ValueForm.path.orNone(), flag: FlagName("--data", \.data), fallback: "./ddbnode-data/node-<port>",
            "The node's folder: its private database, its journal, its state."),
        SettingKey(
            "cluster.name", \.cluster.name, .text("1 to 64 letters, digits, _, . or -", where: isClusterName),
            "Nodes of another cluster name are refused."),
        SettingKey(
            "cluster.secret", \.cluster.secret, ValueForm.secret(16...Secret.bytesMax).orNone(),
            "What the nodes prove to each other that they know; must be given (or `cluster.secretFile`) to listen beyond this machine."),
        SettingKey(
            "cluster.secretFile", \.cluster.secretFile, ValueForm.path.orNone(),
            fallback: "none; with `authentication` `accounts` `~/.ddbnode/secret`, made at the first start",
            "A file with the secret, which only its owner may open; instead of `cluster.secret`."),
        SettingKey(
            "authentication", \.authentication, .choice,
            "`none`: whoever can connect runs SQL as the node's client account. `accounts`: `.auth user password` against MariaDB's accounts comes first."
        ),
    ]

    private static let database = [
        SettingKey(
            "database.mode", \.database.mode, .choice,
            "`private`: the node creates and runs a MariaDB of its own under `data`. `external`: it uses one that is there already."),
        SettingKey(
            "database.program", \.database.program, ValueForm.path.orNone(), fallback: "looked for in the usual places",
            "mariadbd, for a private database."),
        SettingKey(
            "database.installProgram", \.database.installProgram, ValueForm.path.orNone(), fallback: "looked for in the usual places",
            "mariadb-install-db, for a private database."),
        SettingKey(
            "database.options", \.database.options, .databaseOptions,
            "Further mariadbd options for a private database, such as `{\"innodb_buffer_pool_size\": \"1G\"}`; not those that the node sets itself."),
        SettingKey(
            "database.socket", \.database.socket, ValueForm.text("a path of 1 to 107 bytes", where: isSocketPath).orNone(),
            "The Unix socket of an external database."),
        SettingKey(
            "database.host", \.database.host, ValueForm.text("a host name or address", where: isHost).orNone(),
            "The host of an external database, instead of its socket."),
        SettingKey("database.port", \.database.port, .whole(1...65535), "The port of an external database."),
        SettingKey(
            "database.user", \.database.user, ValueForm.text("a text of 1 to 128 bytes", where: { (1...128).contains($0.utf8.count) }).orNone(),
            "The account the node works as in an external database, where it must be given."),
        SettingKey(
            "database.password", \.database.password, ValueForm.secret(1...Secret.bytesMax).orNone(), "That account's password."),
        SettingKey(
            "database.passwordFile", \.database.passwordFile, ValueForm.path.orNone(),
            "A file with the password, which only its owner may open; instead of `database.password`."),
    ]

    private static let clients = [
        SettingKey(
            "pool.connectionsMax", \.pool.connectionsMax, .whole(1...10_000), reloadable: true, "Database connections for clients' statements."),
        SettingKey("pool.idleMs", \.pool.idleMs, .whole(1000...dayMs), reloadable: true, "An unused database connection is closed after this."),
        SettingKey("limits.connectionsMax", \.limits.connectionsMax, .whole(1...1_000_000), reloadable: true, "Clients connected at a time."),
        SettingKey("limits.lineBytes", \.limits.lineBytes, .whole(1024...1 << 30), reloadable: true, "The longest request."),
        SettingKey(
            "limits.pipelinedRequests", \.limits.pipelinedRequests, .whole(1...65_536), reloadable: true,
            "Requests a client may send ahead of their replies; the node reads no further until some are answered."),
        SettingKey(
            "limits.idleMs", \.limits.idleMs, .whole(0...dayMs), reloadable: true,
            "A client that sends nothing for so long is disconnected; 0: never."),
        SettingKey("limits.statementMs", \.limits.statementMs, .whole(0...dayMs), reloadable: true, "A statement is stopped after this; 0: never."),
        SettingKey(
            "limits.outputBufferBytes", \.limits.outputBufferBytes, .whole(64 << 10...1 << 30), reloadable: true,
            "Replies held for a client that doesn't read them; beyond it the node stops reading from the database."),
        SettingKey(
            "session.readYourWritesMs", \.session.readYourWritesMs, .whole(0...600_000), reloadable: true,
            "How long a read on a slave waits for the session's own forwarded writes."),
        SettingKey(
            "session.multiStatements", \.session.multiStatements, .flag, reloadable: true, "Whether a request may hold several statements."),
        SettingKey(
            "session.files", \.session.files, .flag, reloadable: true,
            "Whether statements may read and write files of the server (`LOAD DATA INFILE`, `INTO OUTFILE`); on a master only."),
    ]

    private static let nodes = [
        SettingKey(
            "replication.acks", \.replication.acks, .acks, fallback: "\"majority\" in a cluster of three nodes or more, else 0",
            "Slaves that must hold a commit on disk before anybody sees it and its client hears of it; `\"majority\"`: so many that with the master they are more than half of the nodes."
        ),
        SettingKey(
            "replication.ackTimeoutMs", \.replication.ackTimeoutMs, .whole(100...600_000), reloadable: true,
            "A client whose write is not on enough nodes after this is told `NO-QUORUM`; the write goes on waiting."),
        SettingKey(
            "replication.heartbeatMs", \.replication.heartbeatMs, .whole(100...60_000), reloadable: true,
            "Nodes that have nothing else to say to each other say so this often."),
        SettingKey(
            "replication.peerTimeoutMs", \.replication.peerTimeoutMs, .whole(500...600_000), reloadable: true,
            "A node not heard of for so long counts as gone; more than twice `replication.heartbeatMs`."),
        SettingKey(
            "replication.journalSegmentBytes", \.replication.journalSegmentBytes, .whole(1 << 20...1 << 30),
            "A slave's journal goes on in a new file at this size."),
        SettingKey(
            "replication.journalBytesMax", \.replication.journalBytesMax, .whole(16 << 20...1 << 50), reloadable: true,
            "A slave whose journal is this long stops receiving until its database has caught up; at least twice `replication.journalSegmentBytes`."),
        SettingKey(
            "replication.sendBufferBytes", \.replication.sendBufferBytes, .whole(64 << 10...1 << 30), reloadable: true,
            "What a master holds for a slave that doesn't keep up; the rest is read from the binlog later."),
        SettingKey(
            "replication.binlogBytesMax", \.replication.binlogBytesMax, .whole(1 << 20...1 << 50), reloadable: true,
            "A private database's binlog is kept for nodes that are away up to this size; a node that needs more then takes a snapshot."),
        SettingKey(
            "replication.binlogKeepMs", \.replication.binlogKeepMs, .whole(0...30 * dayMs), reloadable: true,
            "How long a file of the binlog is kept at least, though every node has it."),
        SettingKey(
            "replication.compression", \.replication.compression, .flag, reloadable: true,
            "Whether a master compresses what it sends to slaves (zlib, fastest level): for links slower than the 30 MB/s or so that a core compresses. Events of more than 256 KiB go as they are."
        ),
        SettingKey(
            "replication.snapshotAfterTransactions", \.replication.snapshotAfterTransactions, .whole(0...1 << 53), reloadable: true,
            "A slave that has nothing yet replays its master's binlog when that has up to so many transactions; beyond it, it takes a copy of another slave's or the master's database."
        ),
    ]

    private static let failover = [
        SettingKey(
            "failover.mode", \.failover.mode, .choice, reloadable: true,
            "Whether this node may become master by itself when enough nodes miss theirs; with `manual` an operator says `.promote`."),
        SettingKey(
            "failover.electionTimeoutMs", \.failover.electionTimeoutMs, .whole(200...600_000),
            "A master that is silent for so long is missed, and one that hears no majority for so long stops serving; the same on all nodes."),
        SettingKey(
            "failover.clientWaitMs", \.failover.clientWaitMs, .whole(0...600_000), reloadable: true,
            "How long a statement that needs a master waits while there is none, before it is refused."),
        SettingKey(
            "failover.mayLoseWrites", \.failover.mayLoseWrites, .flag, reloadable: true,
            "Lets nodes choose a master by themselves though `replication.acks` is so low that acknowledged writes can be lost by it."),
        SettingKey(
            "failover.databaseTimeoutMs", \.failover.databaseTimeoutMs, .whole(0...600_000), reloadable: true,
            "A master whose database does not answer even the smallest question for so long hands over to a slave; 0: never."),
    ]

    private static let operation = [
        SettingKey(
            "outcomes.keepMs", \.outcomes.keepMs, .whole(1000...365 * dayMs), reloadable: true,
            "How long a master keeps the ids of transactions that are committed; an id that comes again later counts as new."),
        SettingKey(
            "verify.snapshotMs", \.verify.snapshotMs, .whole(100...3_600_000), reloadable: true,
            "A verification that this node drives goes on in a new snapshot of all nodes after this; an open snapshot keeps the databases from clearing up."
        ),
        SettingKey(
            "shutdown.drainMs", \.shutdown.drainMs, .whole(0...600_000), reloadable: true, "How long running statements are waited for at the end."),
        SettingKey(
            "log.level", \.log.level, .choice, reloadable: true, flag: FlagName("--log-level", \.logLevel),
            "What is logged: this level and those after it."),
        SettingKey("log.format", \.log.format, .choice, flag: FlagName("--log-format", \.logFormat), "How a log line looks."),
    ]

    private static func isClusterName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "_.-".unicodeScalars.contains($0))
            }
    }

    // What a sockaddr_un takes.
    private static func isSocketPath(_ text: String) -> Bool { (1...107).contains(text.utf8.count) && !text.utf8.contains(0) }

    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && !text.unicodeScalars.contains { $0.properties.isWhitespace || $0.value < 0x20 }
    }
}
