-- What is known of one device, on whichever server: asked whenever a device registers.
create index sightings_device on sightings (device_id);
-- How many devices each server has, without reading what they reported.
create index sightings_open on sightings (device_id, connection_sequence, since, server_id) where ended_at is null;
