import Digests
import EventLoop
import Glibc

/// Small files of the node's own, read and replaced whole.
enum TextFile {
    static let bytesMax = 1 << 20

    /// What the file is for its reader.
    enum Content: Equatable {
        case checked(String)
        /// Of a version that wrote no checksums: its reader must look closely.
        case unchecked(String)
    }

    /// Why a file that is to be whole can't be used.
    enum Problem: Error, CustomStringConvertible {
        case system(SystemError)
        case damaged(CheckedText.Damage)

        var description: String {
            switch self {
            case .system(let error): "\(error)"
            case .damaged(let damage): "\(damage)"
            }
        }
    }

    /// Nil when there is no such file. One beyond `bytesMax` is an error, not cut.
    static func read(_ path: String) throws(SystemError) -> String? { try readBytes(path).map { String(decoding: $0, as: UTF8.self) } }

    /// What `replaceChecked` wrote, or an earlier version; nil when there is no such file.
    static func readChecked(_ path: String) throws(Problem) -> Content? {
        let bytes: [UInt8]?
        do throws(SystemError) { bytes = try readBytes(path) } catch { throw .system(error) }
        guard let bytes else { return nil }
        do throws(CheckedText.Damage) {
            if let text = try CheckedText.text(of: bytes) { return .checked(text) }
        } catch {
            throw .damaged(error)
        }
        return .unchecked(String(decoding: bytes, as: UTF8.self))
    }

    private static func readBytes(_ path: String) throws(SystemError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError("open \(path)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read \(path)") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw SystemError("read \(path)", EFBIG) }
        }
    }

    /// As `replace`, with a line before it that tells length and checksum.
    static func replaceChecked(_ path: String, with text: String) throws(SystemError) { try replace(path, with: CheckedText.checked(text)) }

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

    static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
