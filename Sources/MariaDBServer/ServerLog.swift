import Glibc

/// The log that mariadbd and mariadb-install-db write to as their standard output and error; appended, one old one kept.
final class ServerLog {
    static let rotateAtBytes = 16 << 20
    static let lastLinesMax = 15
    private static let lineBytesMax = 500
    private static let readBytesMax = 1 << 20

    let descriptor: Int32
    private let path: String
    /// Where this run's lines begin.
    private let start: Int

    init(path: String) throws(ServerProblem) {
        self.path = path
        if Self.size(path) > Self.rotateAtBytes {
            try System.call("rotate", path) { rename(path, path + ".1") }
        }
        descriptor = try System.call("open", path) { open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640) }
        start = Self.size(path)
    }

    deinit { close(descriptor) }

    var bytes: Int { Self.size(path) }

    /// The last lines of this run.
    func lastLines() -> [String] {
        lines(from: max(start, bytes - Self.lastLinesMax * Self.lineBytesMax)).suffix(Self.lastLinesMax)
    }

    /// The first lines of this run that tell of an error.
    func errorLines() -> [String] {
        Array(lines(from: start).lazy.filter { $0.contains("ERROR") }.prefix(Self.lastLinesMax))
    }

    /// The error that stopped the `--init-file`, if one did: such a line carries no time, only `ERROR: ` and a number. It comes just before
    /// the server is ready.
    func initFileError() -> String? {
        let marker = "ERROR: "
        return lines(from: max(start, bytes - Self.readBytesMax)).first { $0.hasPrefix(marker) && $0.dropFirst(marker.count).first?.isNumber == true }
    }

    private func lines(from offset: Int) -> [String] {
        let bytes = System.read(path, from: offset, bytesMax: Self.readBytesMax) ?? []
        return bytes.split(separator: 0x0A).map { String(decoding: $0.prefix(Self.lineBytesMax), as: UTF8.self) }
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
