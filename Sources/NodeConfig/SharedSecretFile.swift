import Glibc

/// Where nodes of one user on one machine find the cluster's secret, when none is named and clients have accounts.
package enum SharedSecretFile {
    /// `~/.ddbnode/secret`; nil where the user has no home.
    static var path: String? { home.map { $0 + "/.ddbnode/secret" } }

    /// `HOME`, where that is the user's own folder, else what the system's list of users says.
    private static var home: String? {
        if let told = getenv("HOME").map({ String(cString: $0) }), told.hasPrefix("/"), isOwn(told) { return told }
        guard let entry = getpwuid(geteuid()), let folder = entry.pointee.pw_dir.map({ String(cString: $0) }), folder.hasPrefix("/") else {
            return nil
        }
        return isOwn(folder) ? folder : nil
    }

    private static func isOwn(_ folder: String) -> Bool {
        var status = stat()
        return stat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
