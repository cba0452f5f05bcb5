import CMariaDB
import MySQLProtocol

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

    /// The server itself said so.
    init(_ packet: ERRPacket) { self.init(number: UInt32(packet.code), state: packet.state, message: Array(packet.message.utf8)) }

    private init(_ number: Int32, _ message: String) { self.init(number: UInt32(number), state: "HY000", message: Array(message.utf8)) }

    static let cannotConnect = UInt32(CR_CONN_HOST_ERROR)
    static let closed = DatabaseError(CR_SERVER_GONE_ERROR, "the database connection is closed")
    static let lost = DatabaseError(CR_SERVER_LOST, "the database closed the connection during the statement")
    static let malformed = DatabaseError(CR_MALFORMED_PACKET, "the database sent what is no reply")
    static let connectTimedOut = DatabaseError(CR_CONN_HOST_ERROR, "the database did not answer the login in time")
    static let outOfMemory = DatabaseError(CR_OUT_OF_MEMORY, "out of memory")
    static let tooOld = DatabaseError(CR_VERSION_ERROR, "the server does not tell how a result set ended; MariaDB 10.2 or later does")
    static let encrypted = DatabaseError(
        CR_SSL_CONNECTION_ERROR, "the server wants TLS, which connections to the database don't speak; let this account log in without")

    static func unknownHost(_ why: String) -> DatabaseError { DatabaseError(CR_UNKNOWN_HOST, "the database's host: \(why)") }
    static func unreachable(_ path: String, _ why: String) -> DatabaseError {
        DatabaseError(CR_CONNECTION_ERROR, "can't connect to the database's socket \(path): \(why)")
    }
    static func notWatched(_ why: String) -> DatabaseError { DatabaseError(CR_SOCKET_CREATE_ERROR, why) }

    /// Whether the connection is gone, so that the fate of a statement under way is not known.
    package var lostConnection: Bool {
        number == UInt32(CR_SERVER_GONE_ERROR) || number == UInt32(CR_SERVER_LOST) || number == UInt32(CR_SERVER_LOST_EXTENDED)
            || number == UInt32(CR_MALFORMED_PACKET)
            || number == 1927 || number == 1053
    }

    package var text: String { String(decoding: message, as: UTF8.self) }
    package var description: String { "\(number) (\(state)) \(text)" }
}
