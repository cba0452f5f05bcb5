import Glibc

/// Why there is no private server. The description is for people: what failed, why, what to do.
package enum ServerProblem: Error, Sendable, Equatable, CustomStringConvertible {
    case directoryNotAbsolute(String)
    case directoryInUse(String)
    case noSpace(path: String, freeMiB: UInt64, neededMiB: UInt64)
    case programMissing(String)
    case socketDirectoryUnsafe(path: String, why: String)
    /// An option or account that cannot be written down: empty, or with a line break or a zero byte in it.
    case unwritable(what: String)
    case accountsRefused(String)
    case creationFailed(how: String, lastLogLines: [String])
    case startFailed(how: String, lastLogLines: [String])
    /// A step of making or restoring a snapshot: the program, and how it ended.
    case snapshotFailed(program: String, how: String, lastLogLines: [String])
    /// What arrived is not the snapshot that was sent, or not one that can be used.
    case snapshotUnusable(String)
    /// A system call failed: what was tried (`create`), on which path, and errno.
    case system(trying: String, path: String, code: Int32)

    package var description: String {
        switch self {
        case .directoryNotAbsolute(let path): "the data directory \"\(path)\" is not an absolute path; write it from the root"
        case .directoryInUse(let path): "the data directory \(path) belongs to another running node; stop that one or choose another directory"
        case .noSpace(let path, let free, let needed):
            "\(path) has \(free) MiB free and a new database needs \(needed) MiB; free some space or choose another directory"
        case .programMissing(let name): Self.missing(name)
        case .socketDirectoryUnsafe(let path, let why):
            "the database's socket cannot be in \(path): \(why); remove it, or choose a data directory with a shorter path"
        case .unwritable(let what): "\(what) is empty or has a line break or a zero byte in it; correct it"
        case .accountsRefused(let line): "mariadbd refused to make the node's accounts: \(line)"
        case .creationFailed(let how, let lines): "the database's files could not be made: mariadb-install-db \(how)" + Self.tail(lines)
        case .startFailed(let how, let lines): "mariadbd does not start: it \(how)" + Self.tail(lines)
        case .snapshotFailed(let program, let how, let lines): "no snapshot: \(program) \(how)" + Self.tail(lines)
        case .snapshotUnusable(let why): "the snapshot can't be used: \(why)"
        case .system(let trying, let path, let code):
            "cannot \(trying) \(path): \(String(cString: strerror(code)))" + Self.advice(code)
        }
    }

    private static func missing(_ name: String) -> String {
        if ["mariadb-backup", "mbstream"].contains(name) {
            return "\(name) was not found in PATH, \(ProgramSearch.placesForPeople); install it with: apt-get install mariadb-backup (Debian, Ubuntu)"
        }
        if ["mariadb-dump", "mariadb"].contains(name) {
            return "\(name) was not found in PATH, \(ProgramSearch.placesForPeople); install it with: apt-get install mariadb-client (Debian, Ubuntu)"
        }
        let key = name.contains("install") ? "database.installProgram" : "database.program"
        let places = name.contains("/") ? "" : " in PATH, \(ProgramSearch.placesForPeople)"
        return "\(name) was not found\(places); install it with: apt-get install mariadb-server (Debian, Ubuntu) or name it in \(key)"
    }

    private static func tail(_ lines: [String]) -> String {
        lines.isEmpty ? "; it wrote nothing to its log" : "; the end of its log:\n" + lines.map { "  " + $0 }.joined(separator: "\n")
    }

    private static func advice(_ code: Int32) -> String {
        switch code {
        case EACCES, EPERM: "; give the user that runs ddbnode access to it (a program's file system must allow execution)"
        case ENOSPC, EDQUOT: "; free some space"
        case EROFS: "; choose a directory on a writable file system"
        case ENOTDIR, EEXIST: "; something that is no directory is in the way, move it"
        case EMFILE, ENFILE: "; raise the limit of open files"
        default: ""
        }
    }
}
