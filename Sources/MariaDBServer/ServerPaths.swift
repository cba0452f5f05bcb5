import Glibc

/// Where a private server's files are, all derived from the node's data directory.
struct ServerPaths {
    /// The longest path that fits a socket's address (108 bytes with the closing zero).
    static let socketBytesMax = 107

    let directory: String
    let data: String
    /// The files while they are being made; renamed to `data` when whole.
    let creating: String
    /// A snapshot while it arrives and is made ready; renamed to `data` when whole.
    let receiving: String
    /// The files that a snapshot replaced, until the server has started on the new ones.
    let before: String
    /// What a snapshot of this server needs for temporary files, and how it logs in.
    let copying: String
    /// A copy's statements while they arrive, and when all are there.
    let spooling: String
    let spool: String
    /// The spool is not in the database yet, or not all of it.
    let loading: String
    /// Whose databases an external server holds.
    let origin: String
    let log: String
    /// What the programs that make and restore snapshots say.
    let snapshotLog: String
    let snapshotLock: String
    let lock: String
    let accounts: String
    let files: String
    /// Temporary tables' files. Not `/tmp`: a mariadbd that starts removes all such files there, those of others in use too.
    let temporary: String
    let pid: String
    let socket: String
    /// The directory of a socket outside the data directory, since that one's path is too long; nil when it is inside.
    let socketDirectory: String?

    init(directory: String) throws(ServerProblem) {
        guard directory.hasPrefix("/") else { throw .directoryNotAbsolute(directory) }
        guard Self.isSpeakable(directory) else { throw .unwritable(what: "the data directory's path") }
        self.directory = directory
        data = directory + "/mariadb"
        creating = directory + "/mariadb.creating"
        receiving = directory + "/mariadb.receiving"
        before = directory + "/mariadb.before"
        copying = directory + "/mariadb.copying"
        spooling = directory + "/snapshot.sql.receiving"
        spool = directory + "/snapshot.sql"
        loading = directory + "/external.loading"
        origin = directory + "/external.origin"
        snapshotLog = directory + "/snapshot.log"
        snapshotLock = directory + "/snapshot.lock"
        log = directory + "/mariadb.log"
        lock = directory + "/mariadb.lock"
        accounts = directory + "/mariadb.accounts.sql"
        files = directory + "/files"
        temporary = directory + "/mariadb.tmp"
        pid = data + "/mariadb.pid"
        let near = directory + "/mariadb.sock"
        if near.utf8.count <= Self.socketBytesMax {
            socketDirectory = nil
            socket = near
        } else {
            let shared = "/tmp/ddbnode-\(geteuid())"
            socketDirectory = shared
            socket = "\(shared)/\(String(Self.hash(directory), radix: 16)).sock"
        }
    }

    /// Makes the directories that must be there before a start.
    func prepare() throws(ServerProblem) {
        try System.makeDirectory(directory)
        try System.makeDirectory(files)
        guard let socketDirectory else { return }
        try System.makeDirectory(socketDirectory)
        try Self.verifyPrivate(socketDirectory)
    }

    /// `/tmp` is everyone's: a directory there that another user made, or could write to, would hand him the database.
    static func verifyPrivate(_ path: String) throws(ServerProblem) {
        var status = stat()
        try System.call("look at", path) { lstat(path, &status) }
        if status.st_mode & S_IFMT != S_IFDIR { throw .socketDirectoryUnsafe(path: path, why: "it is not a directory itself") }
        if status.st_uid != geteuid() { throw .socketDirectoryUnsafe(path: path, why: "it belongs to user \(status.st_uid)") }
        if status.st_mode & 0o077 != 0 { throw .socketDirectoryUnsafe(path: path, why: "other users have access to it") }
    }

    /// No zero byte and no line break, so that it can stand in an argument and a line of SQL.
    static func isSpeakable(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D }
    }

    /// FNV-1a: stable between runs, which the standard library's hashing is not.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
