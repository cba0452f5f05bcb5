/// The two protocols a request can go by.
package enum Wire: Sendable, Equatable {
    /// A node's lines of text.
    case text
    /// MariaDB's own packets, after the login.
    case mariadb

    /// Appends one request, whose SQL `statement` writes. MariaDB's takes less than 16 MiB of it, in one packet.
    package func append(to bytes: inout [UInt8], _ statement: (inout [UInt8]) -> Void) {
        switch self {
        case .text:
            statement(&bytes)
            bytes.append(UInt8(ascii: "\n"))
        case .mariadb:
            let start = bytes.count
            // Three bytes of length, a sequence number, COM_QUERY.
            bytes.append(ascii: "\0\0\0\0\u{3}")
            statement(&bytes)
            let length = bytes.count - start - 4
            precondition(length < 0xFF_FFFF, "a request is one packet")
            for byte in 0..<3 { bytes[start + byte] = UInt8(truncatingIfNeeded: length >> (8 * byte)) }
        }
    }
}
