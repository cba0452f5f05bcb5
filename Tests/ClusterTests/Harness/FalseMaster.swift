import Dispatch
import Glibc

/// Listens where a master was, and says `answer` to every session that is passed on, then `more` again and again until it is hung up on.
final class FalseMaster: Sendable {
    private let listener: Int32

    init(port: UInt16, answer: String, more: String) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let listener = self.listener
        let isListening = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        guard isListening, listen(listener, 8) == 0 else { throw NotInTime(description: "cannot listen on \(port): \(errno)") }
        DispatchQueue(label: "false master").async {
            while case let peer = accept(listener, nil, nil), peer >= 0 {
                Self.talk(peer, answer, more)
                close(peer)
            }
            close(listener)
        }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func talk(_ peer: Int32, _ answer: String, _ more: String) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(peer, &chunk, chunk.count)
        // A link between nodes it hangs up on.
        guard count > 0, chunk.starts(with: ".forwarded".utf8) else { return }
        func say(_ text: String) -> Bool {
            let bytes = Array(text.utf8)
            return send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0
        }
        var goesOn = say(answer)
        while goesOn, !more.isEmpty { goesOn = say(more) }
    }
}
