import Glibc
import Synchronization

/// A new directory below /tmp.
package final class TestDirectory: Sendable {
    private static let leftToExit = Mutex<[String]>([])

    package let path: String
    private let isLeftToExit: Bool

    /// It is removed with this object, or when the process ends.
    package init(removedAtExit: Bool = false) throws {
        var template = Array("/tmp/ddbnode-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestServer.Failure(words: "mkdtemp: \(String(cString: strerror(errno)))") }
        path = template.withUnsafeBufferPointer { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        isLeftToExit = removedAtExit
        guard removedAtExit else { return }
        let isFirst = Self.leftToExit.withLock { paths in
            paths.append(path)
            return paths.count == 1
        }
        if isFirst {
            atexit { for path in TestDirectory.leftToExit.withLock({ $0 }) { _ = ProcessFacts.shell("rm -rf '\(path)'") } }
        }
    }

    deinit { if !isLeftToExit { remove() } }

    package func remove() { _ = ProcessFacts.shell("rm -rf '\(path)'") }
}
