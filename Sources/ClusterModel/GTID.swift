/// A global transaction id, `domain-server-sequence`: the name of one transaction on every node that holds it.
///
/// Source: https://mariadb.com/kb/en/gtid/
package struct GTID: Hashable, Sendable, CustomStringConvertible {
    package let domain: UInt32
    /// The `server_id` of the node that wrote it.
    package let server: UInt32
    package let sequence: UInt64

    package init(domain: UInt32, server: UInt32, sequence: UInt64) {
        self.domain = domain
        self.server = server
        self.sequence = sequence
    }

    /// Nil when `text` is not three decimal numbers joined by hyphens, each within its range.
    package init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let gtid = text.withUTF8({ GTID(ascii: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = gtid
    }

    /// The same from bytes of ASCII, without a string: every commit's reply is read so.
    package init?(ascii bytes: UnsafeRawBufferPointer) {
        var numbers: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var part = 0
        var digits = 0
        for byte in bytes {
            if byte == UInt8(ascii: "-") {
                guard digits > 0, part < 2 else { return nil }
                part += 1
                digits = 0
                numbers = (numbers.1, numbers.2, 0)
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            let (tens, tooLong) = numbers.2.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = tens.addingReportingOverflow(UInt64(byte - 0x30))
            guard !tooLong, !tooLarge else { return nil }
            numbers.2 = sum
            digits += 1
        }
        guard part == 2, digits > 0, let domain = UInt32(exactly: numbers.0), let server = UInt32(exactly: numbers.1) else { return nil }
        self.init(domain: domain, server: server, sequence: numbers.2)
    }

    package var description: String { "\(domain)-\(server)-\(sequence)" }
}
