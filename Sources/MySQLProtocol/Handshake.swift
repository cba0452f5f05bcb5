/// What a client and a server can do, as bits.
///
/// Source: https://mariadb.com/kb/en/connection/
struct Capabilities: OptionSet {
    let rawValue: UInt32

    static let longPassword = Capabilities(rawValue: 1 << 0)
    static let foundRows = Capabilities(rawValue: 1 << 1)
    static let longFlag = Capabilities(rawValue: 1 << 2)
    static let connectWithDatabase = Capabilities(rawValue: 1 << 3)
    static let protocol41 = Capabilities(rawValue: 1 << 9)
    static let transactions = Capabilities(rawValue: 1 << 13)
    static let secureConnection = Capabilities(rawValue: 1 << 15)
    static let pluginAuth = Capabilities(rawValue: 1 << 19)
    static let lengthEncodedAuth = Capabilities(rawValue: 1 << 21)

    /// What is offered. `longPassword` also says that no MariaDB extensions are.
    static let offered: Capabilities = [
        .longPassword, .foundRows, .longFlag, .connectWithDatabase, .protocol41, .transactions, .secureConnection, .pluginAuth,
    ]
}

/// The server's first packet.
///
/// Source: https://mariadb.com/kb/en/connection/#initial-handshake-packet
struct Greeting {
    static let plugin = "mysql_native_password"
    static let saltBytes = 20

    let serverVersion: String
    let connectionID: UInt32
    let salt: [UInt8]

    var payload: [UInt8] {
        let capabilities = Capabilities.offered.rawValue
        var bytes: [UInt8] = [10]
        // Replicas before MariaDB 11 expect the prefix on any version from 10 on.
        bytes.append(nulTerminated: "5.5.5-\(serverVersion)".utf8)
        bytes.append(littleEndian: connectionID)
        bytes.append(nulTerminated: salt[..<8])
        bytes.append(littleEndian: UInt16(truncatingIfNeeded: capabilities))
        bytes.append(33)
        bytes.append(littleEndian: OKPacket.autocommit)
        bytes.append(littleEndian: UInt16(capabilities >> 16))
        bytes.append(UInt8(Self.saltBytes + 1))
        bytes.append(contentsOf: repeatElement(0, count: 10))
        bytes.append(nulTerminated: salt[8...])
        bytes.append(nulTerminated: Self.plugin.utf8)
        return bytes
    }

    /// Asks a client that chose another plugin to answer with this one.
    var authSwitchPayload: [UInt8] {
        var bytes: [UInt8] = [0xfe]
        bytes.append(nulTerminated: Self.plugin.utf8)
        bytes.append(nulTerminated: salt)
        return bytes
    }
}

/// The client's answer to the greeting.
///
/// Source: https://mariadb.com/kb/en/connection/#client-handshake-response
struct HandshakeResponse {
    let user: [UInt8]
    let auth: [UInt8]
    /// Nil when the client did not say which plugin made `auth`.
    let plugin: [UInt8]?

    init(payload: UnsafeRawBufferPointer) throws(ShortPayload) {
        var reader = PayloadReader(payload)
        let capabilities = Capabilities(rawValue: try reader.integer(UInt32.self))
        guard capabilities.contains(.protocol41) else { throw ShortPayload() }
        // The largest packet, the character set, and what is reserved.
        _ = try reader.bytes(4 + 1 + 23)
        user = [UInt8](try reader.nulTerminated())
        if capabilities.contains(.lengthEncodedAuth) {
            auth = [UInt8](try reader.lengthEncodedString())
        } else if capabilities.contains(.secureConnection) {
            auth = [UInt8](try reader.shortString())
        } else {
            auth = [UInt8](try reader.nulTerminated())
        }
        if capabilities.contains(.connectWithDatabase) { _ = try reader.nulTerminated() }
        plugin = capabilities.contains(.pluginAuth) ? [UInt8](try reader.nulTerminated()) : nil
    }
}
