"""Captures what MariaDB servers say to each other and to a dump's reader; see make.sh.

Every line of a capture is one packet: who sent it (C client, S server), its sequence number, its payload in hex.
"""
import socket, struct, subprocess, sys, threading

class Packets:
    def __init__(self, sock, log=None, reads_from='S'):
        self.sock, self.log, self.reads_from, self.sequence = sock, log, reads_from, 0

    def exactly(self, count):
        data = b''
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def read(self):
        head = self.exactly(4)
        payload = self.exactly(head[0] | head[1] << 8 | head[2] << 16)
        self.sequence = head[3]
        self.note(self.reads_from, payload)
        return payload

    def send(self, payload, sequence=0):
        self.sequence = sequence
        self.note('C', payload)
        self.sock.sendall(struct.pack('<I', len(payload))[:3] + bytes([sequence]) + payload)

    def note(self, who, payload):
        if self.log:
            print(who, self.sequence, payload.hex(), file=self.log, flush=True)

def proxy(listen_port, server_port, path):
    """Serves one connection, noting its packets in the order seen."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', listen_port))
    listener.listen()
    log = open(path, 'w')
    client = listener.accept()[0]
    server = socket.create_connection(('127.0.0.1', server_port))
    def pump(source, target, who):
        packets = Packets(source, log, who)
        try:
            while True:
                payload = packets.read()
                target.sendall(struct.pack('<I', len(payload))[:3] + bytes([packets.sequence]) + payload)
        except (EOFError, OSError):
            pass
        for end in (source, target):
            try: end.shutdown(socket.SHUT_RDWR)
            except OSError: pass
    threads = [threading.Thread(target=pump, args=way) for way in ((client, server, 'C'), (server, client, 'S'))]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

def login(socket_path, log):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(socket_path)
    packets = Packets(sock)
    packets.read()
    packets.send(struct.pack('<IIB23x', 0x1 | 0x200 | 0x8000 | 0x80000, 1 << 24, 33) + b'root\0\0mysql_native_password\0', 1)
    assert packets.read()[0] == 0
    packets.log = log
    return packets

def dump(socket_path, path, state, semi_sync, flags, mysql):
    """Reads a dump to its end (or to its first heartbeat after an acknowledged event, with semi_sync)."""
    packets = login(socket_path, None)
    settings = ["@master_heartbeat_period=200000000", "@master_binlog_checksum=@@global.binlog_checksum", "@mariadb_slave_capability=4",
                "@slave_connect_state='%s'" % state, "@slave_gtid_strict_mode=1", "@slave_gtid_ignore_duplicates=0"]
    for setting in settings + (["@rpl_semi_sync_slave=1"] if semi_sync else []):
        packets.send(b'\x03SET ' + setting.encode())
        assert packets.read()[0] == 0
    packets.log = open(path, 'w')
    packets.send(b'\x15' + struct.pack('<I', 77) + b'\x07capture\0\0' + struct.pack('<HII', 0, 0, 0))
    packets.read()
    packets.send(b'\x12' + struct.pack('<IHI', 4, flags, 77))
    writer, acknowledged, file = None, 0, b''
    while True:
        payload = packets.read()
        if payload[0] == 0xff or (payload[0] == 0xfe and len(payload) < 9):
            break
        event = payload[3:] if semi_sync else payload[1:]
        if event[4] == 4:
            file = event[27:-4]
        if event[4] == 27:
            if not semi_sync or acknowledged: break
            if not writer: writer = subprocess.Popen(mysql + ['-e', "INSERT INTO shop.plain VALUES (2, 'acknowledged')"])
        if semi_sync and payload[2] & 1:
            packets.send(b'\xef' + event[13:17] + bytes(4) + file)
            acknowledged += 1
    if writer: assert writer.wait() == 0

if __name__ == '__main__':
    if sys.argv[1] == 'proxy':
        proxy(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        socket_path, path, state, semi_sync, flags = sys.argv[2:7]
        dump(socket_path, path, state, semi_sync == '1', int(flags), ['mariadb', '--no-defaults', '--user=root', '--socket=' + socket_path])
