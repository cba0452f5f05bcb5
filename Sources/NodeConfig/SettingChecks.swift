import ClusterModel

/// What must hold between settings that are right each by itself.
///
/// A rule is skipped when one of its settings is wrong already: it would report the same mistake twice.
extension SettingsDraft {
    mutating func check() {
        checkRole()
        checkAddresses()
        checkSecret()
        checkDatabase()
        checkReplication()
    }

    private mutating func checkRole() {
        guard isGiven("role") else {
            return refuse("role", "must be given: --role master, slave or witness, or \"role\" in the file")
        }
        guard isSound("role") else { return }
        settings.fillRoleDefaults()
        switch settings.role {
        case .master:
            if isGiven("master") { refuse("master", "a master follows nobody: take this out, or make the node a slave") }
        case .slave, .witness:
            if !isGiven("master") {
                refuse("master", "must be given for a \(settings.role.rawValue): --master host:port, or \"master\" in the file")
            } else if isSound("master"), isSound("listen"), let master = settings.master, master == settings.listen || master == settings.advertise {
                refuse("master", "is this node's own address, \(master): name the node to follow")
            }
            if settings.session.files { refuse("session.files", "is for a master only: a slave's data comes from its master") }
            if settings.role == .witness { checkWitness() }
        }
    }

    /// A witness runs no SQL, so it needs neither a database nor accounts.
    private mutating func checkWitness() {
        for key in SettingKey.all.map(\.path) where key.hasPrefix("database.") && isGiven(key) {
            refuse(key, "is for nodes with data; a witness has no database: take this out")
        }
        if settings.authentication == .accounts, isSound("authentication") {
            refuse("authentication", "\"accounts\" is for nodes with data; a witness has no database that knows them, and runs no SQL: take this out")
        }
    }

    private mutating func checkAddresses() {
        if let advertise = settings.advertise, isSound("advertise"), advertise.isWildcard {
            refuse("advertise", "\(advertise) is no address that others can connect to: name this machine")
        }
        guard isSound("listen"), let listen = settings.listen else { return }
        if listen.isWildcard, !isGiven("advertise") {
            refuse("listen", "\(listen) is every address of this machine: set \"advertise\" to the one that the other nodes are to use")
        }
        if !listen.isLoopback, isSound("authentication"), settings.authentication == .none, settings.role != .witness {
            warn("listen", "whoever reaches \(listen) can run SQL: set \"authentication\" to \"accounts\", or keep strangers out by a firewall")
        }
    }

    private mutating func checkSecret() {
        if isGiven("cluster.secret"), isGiven("cluster.secretFile") {
            return refuse("cluster.secretFile", "give either this or cluster.secret, not both")
        }
        if let path = settings.cluster.secretFile {
            settings.cluster.secret = secret(from: path, for: "cluster.secretFile", bytesMin: 16)
        }
        useSharedSecret()
        let isLacking = settings.cluster.secret == nil && isSound("cluster.secret") && isSound("cluster.secretFile")
        if isLacking, isSound("listen"), let listen = settings.listen, !listen.isLoopback {
            let advice = "put 16 bytes or more in a file that only you may open and name it as cluster.secretFile, the same on every node"
            refuse("listen", "\(listen) can be reached from other machines, and there is no secret to tell nodes from strangers: \(advice)")
        }
    }

    /// Where clients log in, what speaks the nodes' protocol must prove itself, too: it can take a copy of all data. Nodes that are reached from this
    /// machine alone share a file on it.
    private mutating func useSharedSecret() {
        guard settings.authentication == .accounts, settings.role != .witness, settings.cluster.secret == nil else { return }
        guard isSound("authentication"), isSound("cluster.secret"), isSound("cluster.secretFile"), settings.listen?.isLoopback ?? true else { return }
        guard let path = SharedSecretFile.path else {
            let advice = "name a file with the nodes' secret as cluster.secretFile, the same on every node"
            return refuse("authentication", "\"accounts\" needs a secret of the nodes, and this user has no home folder to keep one in: \(advice)")
        }
        settings.cluster.secretFile = path
        // A node that starts makes what is not there yet.
        if SharedSecretFile.exists(path) { settings.cluster.secret = secret(from: path, for: "authentication", bytesMin: 16) }
    }

    /// What the file holds; nil, and a problem, when it isn't fit.
    private mutating func secret(from path: String, for key: String, bytesMin: Int) -> Secret? {
        do throws(SecretFile.Refusal) {
            let secret = try SecretFile.read(path)
            if secret.bytes.count >= bytesMin { return secret }
            refuse(key, "\(quoted(path)) must hold \(bytesMin) to \(Secret.bytesMax) bytes, holds \(secret.bytes.count)")
        } catch {
            refuse(key, error.description)
        }
        return nil
    }

    private mutating func checkDatabase() {
        guard isSound("database.mode") else { return }
        switch settings.database.mode {
        case .private:
            for key in ["socket", "host", "port", "user", "password", "passwordFile"] where isGiven("database.\(key)") {
                refuse("database.\(key)", "is for an external database: set database.mode to \"external\", or take this out")
            }
        case .external:
            for key in ["program", "installProgram", "options"] where isGiven("database.\(key)") {
                refuse("database.\(key)", "is for a private database, which the node starts itself: take this out")
            }
            checkExternalDatabase()
        }
    }

    private mutating func checkExternalDatabase() {
        switch (isGiven("database.socket"), isGiven("database.host")) {
        case (false, false): refuse("database.mode", "an external database must be named: set database.socket or database.host")
        case (true, true): refuse("database.host", "give either this or database.socket, not both")
        case (true, false):
            if isGiven("database.port") { refuse("database.port", "goes with database.host; a socket has no port: take this out") }
        case (false, true): break
        }
        if !isGiven("database.user") { refuse("database.user", "must be given for an external database: the account the node works as") }
        if isGiven("database.password"), isGiven("database.passwordFile") {
            refuse("database.passwordFile", "give either this or database.password, not both")
        } else if let path = settings.database.passwordFile {
            settings.database.password = secret(from: path, for: "database.passwordFile", bytesMin: 1)
        }
    }

    private mutating func checkReplication() {
        let replication = settings.replication
        if isSound("replication.heartbeatMs"), isSound("replication.peerTimeoutMs"), replication.peerTimeoutMs <= 2 * replication.heartbeatMs {
            let message = "must be more than twice replication.heartbeatMs (\(replication.heartbeatMs)), is \(replication.peerTimeoutMs)"
            refuse("replication.peerTimeoutMs", message)
        }
        let (segment, most) = (replication.journalSegmentBytes, replication.journalBytesMax)
        if isSound("replication.journalSegmentBytes"), isSound("replication.journalBytesMax"), most < 2 * segment {
            refuse("replication.journalBytesMax", "must be at least twice replication.journalSegmentBytes (\(segment)), is \(most)")
        }
    }

    /// Warns when the file shows a secret to others than its owner.
    mutating func checkFile(isOpenToOthers: Bool) {
        guard isOpenToOthers else { return }
        for key in ["cluster.secret", "database.password"] where isGiven(key) {
            warn(key, "others than the file's owner may read this: chmod 600 the file, or put it in a file of its own (\(key)File)")
        }
    }
}

extension NodeAddress {
    /// True for the addresses that stand for every interface of a machine.
    fileprivate var isWildcard: Bool { host == "0.0.0.0" || host == "::" }
}
