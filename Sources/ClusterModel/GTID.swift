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
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let domain = UInt32(parts[0]), let server = UInt32(parts[1]), let sequence = UInt64(parts[2])
        else { return nil }
        self.init(domain: domain, server: server, sequence: sequence)
    }

    package var description: String { "\(domain)-\(server)-\(sequence)" }
}
