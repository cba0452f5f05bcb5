import Glibc

/// A whole small file, and whether only its owner may open it.
struct FileContent {
    struct Failure: Error {
        /// To stand after the file's name: `cannot be read: No such file or directory`.
        let words: String
    }

    let bytes: [UInt8]
    let isOpenToOthers: Bool
    /// It belongs neither to the user of this process nor to root.
    let isOthers: Bool

    static func read(_ path: String, bytesMax: Int) throws(Failure) -> FileContent {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(errno: errno) }
        let bytes = try readAll(descriptor, bytesMax: bytesMax)
        return FileContent(
            bytes: bytes, isOpenToOthers: status.st_mode & 0o077 != 0, isOthers: status.st_uid != geteuid() && status.st_uid != 0)
    }

    private static func readAll(_ descriptor: Int32, bytesMax: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(errno: errno) }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= bytesMax else { throw Failure(words: "is longer than \(bytesMax) bytes") }
            bytes.append(contentsOf: chunk.prefix(count))
        }
    }
}

extension FileContent.Failure {
    fileprivate init(errno: Int32) {
        self.init(words: "cannot be read: \(strerror(errno).map { String(cString: $0) } ?? "error \(errno)")")
    }
}
