import ClusterModel

/// The end of what mariadb-dump writes, where it tells the position of its snapshot and that it is complete.
struct DumpTail {
    /// All databases but the server's own; accounts are the server's own, too.
    static let dumpArguments = [
        "--single-transaction", "--master-data=2", "--gtid", "--all-databases", "--ignore-database=mysql", "--ignore-database=sys", "--routines",
        "--events", "--triggers", "--dump-history", "--hex-blob", "--quick", "--default-character-set=utf8mb4", "--max-allowed-packet=1G",
    ]

    private static let bytesMax = 4096
    private var bytes: [UInt8] = []

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        // Not `suffix`: that goes through all of a raw buffer.
        bytes += piece[max(0, piece.count - Self.bytesMax)...]
        if bytes.count > Self.bytesMax { bytes.removeFirst(bytes.count - Self.bytesMax) }
    }

    /// Nil where the dump is not complete, or of a database without a transaction. The last such line is the program's: no data follows it.
    var position: Position? {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let marker = "-- SET GLOBAL gtid_slave_pos='"
        guard lines.last?.hasPrefix("-- Dump completed") == true, let line = lines.last(where: { $0.hasPrefix(marker) }) else { return nil }
        let position = Position(list: line.dropFirst(marker.count).prefix { $0 != "'" })
        return position == .start ? nil : position
    }
}
