import CSystem
import Glibc

/// Thin wrappers that turn errno into a `ServerProblem`.
enum System {
    /// Runs a call that answers -1 on failure, again when a signal interrupted it.
    @discardableResult
    static func call(_ trying: String, _ path: String, _ body: () -> Int32) throws(ServerProblem) -> Int32 {
        while true {
            let result = body()
            if result >= 0 { return result }
            if errno != EINTR { throw .system(trying: trying, path: path, code: errno) }
        }
    }

    static func monotonicMs() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Makes the directory and those above it, as far as they are missing; private to this user.
    static func makeDirectory(_ path: String) throws(ServerProblem) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        if mkdir(path, 0o700) != 0, errno != EEXIST || !isDirectory(path) {
            throw .system(trying: "create the directory", path: path, code: errno)
        }
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The entries of a directory without `.` and `..`; empty when it cannot be read.
    static func entries(of path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, or a directory with all in it; links are removed, not followed. Nothing there is no error.
    static func removeTree(_ path: String) throws(ServerProblem) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in entries(of: path) { try removeTree(path + "/" + name) }
            try call("remove", path) { rmdir(path) }
        } else {
            try call("remove", path) { unlink(path) }
        }
    }

    /// At most `bytesMax` of a file, from `offset` on; nil when it cannot be read.
    static func read(_ path: String, from offset: Int = 0, bytesMax: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var filled = 0
        while filled < bytesMax {
            let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress.map { $0 + filled }, bytesMax - filled, offset + filled) }
            if got < 0, errno == EINTR { continue }
            if got <= 0 { break }
            filled += got
        }
        return Array(bytes[..<filled])
    }

    /// Writes a new file that only this user can read; an old one of that name is removed first, never written into.
    static func writePrivate(_ path: String, _ text: String) throws(ServerProblem) {
        try removeTree(path)
        let descriptor = try call("create", path) { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            written += Int(
                try call("write", path) {
                    Int32(clamping: bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) })
                })
        }
    }

    /// Makes all that was written to the path's file system durable.
    static func syncFileSystem(of path: String) throws(ServerProblem) {
        let descriptor = try call("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        try call("sync", path) { ddb_sync_filesystem(descriptor) }
    }

    /// Has the system begin to write the files in a directory, and in those within, to the disk: the sync that follows has less to wait for, and
    /// says what failed. Returns how many files there are.
    static func beginSync(of directory: String) -> Int {
        var files = 0
        for name in entries(of: directory) {
            let path = directory + "/" + name
            if isDirectory(path) {
                files += beginSync(of: path)
            } else {
                files += 1
                let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                guard descriptor >= 0 else { continue }
                _ = ddb_begin_sync(descriptor)
                close(descriptor)
            }
        }
        return files
    }
}
