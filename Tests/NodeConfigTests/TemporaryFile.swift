import Glibc

/// A file that is gone when its owner is.
final class TemporaryFile: Sendable {
    let path: String

    init(_ text: String, mode: mode_t = 0o600) throws {
        var name = Array("/tmp/ddbnode-config-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let count = text.utf8.count
        guard descriptor >= 0, write(descriptor, text, count) == count, fchmod(descriptor, mode) == 0 else { throw Failure.io }
        close(descriptor)
    }

    deinit { unlink(path) }

    enum Failure: Error { case io }
}
