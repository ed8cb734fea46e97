"""What programs do with docker's Python SDK. Prints one JSON object; DOCKER_HOST names the engine, IMAGE one with busybox."""
import io, json, os, tarfile, time
import docker

client = docker.DockerClient(base_url=os.environ["DOCKER_HOST"], timeout=30)
image = os.environ["IMAGE"]
seen = {"ping": client.ping()}
since = time.time() - 1
seen["run"] = client.containers.run(image, ["sh", "-c", "echo out; echo err >&2"], remove=True, stderr=True).decode()
try:
    client.containers.run(image, ["sh", "-c", "exit 4"], remove=True)
except docker.errors.ContainerError as error:
    seen["exit"] = error.exit_status
try:
    client.containers.run("absent/image:1", "true")
except docker.errors.ImageNotFound as error:
    seen["absent"] = error.status_code
container = client.containers.run(
    image, ["sh", "-c", "echo $A; cat; exec sleep 100"], name="sdk", detach=True, stdin_open=True,
    environment={"A": "b"}, labels={"k": "v"}, volumes={"data": {"bind": "/v", "mode": "rw"}}, tmpfs={"/scratch": "size=1m"},
)
code, output = container.exec_run(["sh", "-c", "echo o; echo e >&2; exit 3"], demux=True)
seen["exec"] = [code, output[0].decode(), output[1].decode()]
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("dir/file")
    entry.size = 3
    tar.addfile(entry, io.BytesIO(b"abc"))
seen["put"] = container.put_archive("/tmp", archive.getvalue())
bits, stat = container.get_archive("/tmp/dir")
seen["get"] = [stat["name"], sorted(tarfile.open(fileobj=io.BytesIO(b"".join(bits))).getnames())]
stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
stream._sock.sendall(b"typed\n")
for _ in range(50):
    if b"typed" in container.logs():
        break
    time.sleep(0.1)
seen["logs"] = container.logs().decode()
seen["labelled"] = [one.name for one in client.containers.list(filters={"label": "k=v"})]
seen["top"] = any("sleep 100" in " ".join(row) or "cat" in " ".join(row) for row in container.top()["Processes"])
container.kill("TERM")
seen["wait"] = container.wait()["StatusCode"]
container.reload()
seen["status"] = container.status
seen["diff"] = sorted(change["Path"] for change in container.diff())
seen["commit"] = container.commit("sdk-made", "1").tags
container.remove(v=True)
seen["volumes"] = [volume.name for volume in client.volumes.list()]
client.volumes.get("data").remove()
network = client.networks.create("sdk-net", labels={"k": "v"})
seen["network"] = [one.name for one in client.networks.list(filters={"label": "k=v"})]
network.remove()
client.images.remove("sdk-made:1")
saved = b"".join(client.images.get(image).save(named=True))
seen["load"] = client.images.load(saved)[0].tags
events = client.events(since=since, until=time.time(), decode=True, filters={"container": "sdk"})
seen["events"] = [event["Action"] for event in events if not event["Action"].startswith("exec_")]
seen["left"] = [len(client.containers.list(all=True)), client.df()["Containers"]]
print(json.dumps(seen))
