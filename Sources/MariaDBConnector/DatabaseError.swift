import CMariaDB

/// An error as MariaDB or libmariadb names it.
package struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// MariaDB's error number; 2000 to 2999 are libmariadb's own.
    package let number: UInt32
    /// Five characters.
    package let state: String
    package let message: [UInt8]

    package init(number: UInt32, state: String, message: [UInt8]) {
        self.number = number
        self.state = state
        self.message = message
    }

    init(_ mysql: UnsafeMutablePointer<MYSQL>) {
        self.init(
            number: mysql_errno(mysql), state: String(cString: mysql_sqlstate(mysql)), message: Array(String(cString: mysql_error(mysql)).utf8))
    }

    static let closed = DatabaseError(
        number: UInt32(CR_SERVER_GONE_ERROR), state: "HY000", message: Array("the database connection is closed".utf8))
    static let connectTimedOut = DatabaseError(
        number: UInt32(CR_CONN_HOST_ERROR), state: "HY000", message: Array("the database did not answer the login in time".utf8))

    /// Whether the connection is gone, so that the fate of a statement under way is not known.
    package var lostConnection: Bool {
        number == UInt32(CR_SERVER_GONE_ERROR) || number == UInt32(CR_SERVER_LOST) || number == UInt32(CR_SERVER_LOST_EXTENDED)
            || number == 1927 || number == 1053
    }

    package var text: String { String(decoding: message, as: UTF8.self) }
    package var description: String { "\(number) (\(state)) \(text)" }
}
