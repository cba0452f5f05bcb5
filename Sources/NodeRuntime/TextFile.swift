import EventLoop
import Glibc

/// Small files of the node's own, read and replaced whole.
enum TextFile {
    private static let bytesMax = 1 << 20

    /// Nil when there is no such file.
    static func read(_ path: String) throws(SystemError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open \(path)")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw SystemError("read \(path)") }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// A crash leaves the old content or the new one, never a mix.
    static func replace(_ path: String, with text: String) throws(SystemError) {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(new)") }
        let bytes = Array(text.utf8)
        let count = write(descriptor, bytes, bytes.count)
        let synced = count == bytes.count && fsync(descriptor) == 0
        let failure = SystemError("write \(new)", count >= 0 && count < bytes.count ? ENOSPC : errno)
        close(descriptor)
        guard synced else { throw failure }
        guard rename(new, path) == 0 else { throw SystemError("rename \(new)") }
        let directory = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if directory >= 0 { close(directory) } }
        guard directory >= 0, fsync(directory) == 0 else { throw SystemError("fsync \(parent(of: path))") }
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
