import Dispatch
import Glibc

/// Looks host names up without keeping the loop from its work.
package enum HostNames {
    static let queue = DispatchQueue(label: "ddbnode.resolver", attributes: .concurrent)

    /// The numeric addresses of `host`, in the order to try them; `done` is called on the loop, when the system's resolver gives up at the latest.
    package static func addresses(
        _ loop: EventLoop, host: String, done: @escaping @LoopActor @Sendable (Result<[String], SystemError>) -> Void
    ) {
        queue.async {
            let result: Result<[String], SystemError>
            do throws(SystemError) {
                result = .success(try Resolver.addresses(host: host, port: 0, passive: false).compactMap(\.host))
            } catch {
                result = .failure(error)
            }
            loop.post { done(result) }
        }
    }
}

extension SocketAddress {
    /// The address in numbers.
    fileprivate var host: String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withPointer { getnameinfo($0, $1, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
        guard code == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
