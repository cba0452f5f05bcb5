import ClusterModel
import Foundation
import Glibc
import Synchronization

/// A server on a free port of this machine that speaks canned replies: for each request line the one that `replies` gives; it closes where that is nil.
final class CannedNode: Sendable {
    let address: NodeAddress
    private let listener: Int32
    private let seen = Mutex<[String]>([])

    init(replies: @escaping @Sendable (String) -> String?) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let bound = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRINUSE) }
        address = NodeAddress(host: "127.0.0.1", port: UInt16(bigEndian: name.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else {
                    close(listener)
                    return
                }
                serve(client, replies)
                close(client)
            }
        }
    }

    /// No connection is taken any more.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    /// The requests so far; a `.sql` body counts as lines.
    var requests: [String] { seen.withLock { $0 } }

    private func serve(_ client: Int32, _ replies: (String) -> String?) {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(client, &byte, 1) == 1 {
            guard byte == 0x0A else {
                line.append(byte)
                continue
            }
            let request = String(decoding: line, as: UTF8.self)
            line = []
            seen.withLock { $0.append(request) }
            guard let reply = replies(request) else { return }
            _ = Array(reply.utf8).withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }
}
