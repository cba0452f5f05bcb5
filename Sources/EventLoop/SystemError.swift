import Glibc

/// A system call that failed: which, and why in the system's own words.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    package init(_ call: String, _ code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    package var reason: String { String(cString: strerror(code)) }
    package var description: String { "\(call): \(reason)" }
}
