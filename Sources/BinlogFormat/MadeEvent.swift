/// The frame of an event that no database wrote.
enum MadeEvent {
    static func event(
        _ type: EventType, timestamp: UInt32, flags: UInt16, serverID: UInt32, endPosition: UInt32, checksum: Checksum, fields: [UInt8]
    ) -> [UInt8] {
        var event: [UInt8] = []
        event.reserveCapacity(EventHeader.byteCount + fields.count + checksumBytes)
        event.append(littleEndian: timestamp)
        event.append(type.rawValue)
        event.append(littleEndian: serverID)
        event.append(littleEndian: UInt32(EventHeader.byteCount + fields.count + checksumBytes))
        event.append(littleEndian: endPosition)
        event.append(littleEndian: flags)
        event.append(contentsOf: fields)
        event.append(littleEndian: event.withUnsafeBytes { checksum(0, $0) })
        return event
    }
}
